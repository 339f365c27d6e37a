//! Percent-encoding, as far as addresses need it.

/// `%41` as `A`; what is no such code stays as it is, and so does all of it when the codes
/// make no text.
pub(crate) fn percent_decoded(text: &str) -> String {
    percent_decoded_text(text).unwrap_or_else(|| text.to_owned())
}

/// The same, or nothing when the codes make no text: those of UTF-8 do.
#[must_use]
pub fn percent_decoded_text(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        let value = code
            .and_then(|code| std::str::from_utf8(code).ok())
            .filter(|code| code.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        decoded.push(value.unwrap_or(byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).ok()
}

/// What a query cannot hold as it is.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '%' | '+' | ' ' | '"' | '<' | '>' => {
                encoded.push_str(&format!("%{:02X}", u32::from(c)));
            }
            c => encoded.push(c),
        }
    }
    encoded
}
