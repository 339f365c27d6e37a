use aws_lc_rs::hmac;
use tidegate_engine::Secret;

/// When the question was asked, in seconds since 1970: signed too, against replays.
pub(super) const TIMESTAMP: &str = "x-tidegate-timestamp";
/// `sha256=` and the HMAC in hexadecimal.
pub(super) const SIGNATURE: &str = "x-tidegate-signature";

/// HMAC-SHA256 with `secret` over the timestamp, a dot and the body.
pub(super) fn signature(secret: &Secret, seconds: u64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(seconds.to_string().as_bytes());
    context.update(b".");
    context.update(body);
    let tag = context.sign();
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256={hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anybody_with_the_secret_can_check_the_signature() {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac key
        let secret = Secret::new("key");
        assert_eq!(
            signature(&secret, 1_700_000_000, b"{}"),
            "sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae"
        );
    }
}
