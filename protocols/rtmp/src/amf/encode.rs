use super::{Value, marker};

/// Appends `value` to `out`.
pub fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Number(number) => {
            out.push(marker::NUMBER);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Boolean(flag) => out.extend_from_slice(&[marker::BOOLEAN, u8::from(*flag)]),
        Value::String(text) => encode_text(text, out),
        Value::Object(pairs) => {
            out.push(marker::OBJECT);
            encode_pairs(pairs, out);
        }
        Value::EcmaArray(pairs) => {
            out.push(marker::ECMA_ARRAY);
            out.extend_from_slice(&count(pairs.len()));
            encode_pairs(pairs, out);
        }
        Value::StrictArray(values) => {
            out.push(marker::STRICT_ARRAY);
            out.extend_from_slice(&count(values.len()));
            values.iter().for_each(|value| encode(value, out));
        }
        Value::Date(milliseconds) => {
            out.push(marker::DATE);
            out.extend_from_slice(&milliseconds.to_be_bytes());
            // A time zone that must be zero.
            out.extend_from_slice(&[0, 0]);
        }
        Value::Null => out.push(marker::NULL),
        Value::Undefined => out.push(marker::UNDEFINED),
    }
}

fn encode_text(text: &str, out: &mut Vec<u8>) {
    match u16::try_from(text.len()) {
        Ok(length) => {
            out.push(marker::STRING);
            out.extend_from_slice(&length.to_be_bytes());
        }
        Err(_) => {
            out.push(marker::LONG_STRING);
            out.extend_from_slice(&count(text.len()));
        }
    }
    out.extend_from_slice(text.as_bytes());
}

fn encode_pairs(pairs: &[(String, Value)], out: &mut Vec<u8>) {
    for (key, value) in pairs {
        // A key is ours, or came with a length of 16 bits; cut is better than misread.
        let end = key.floor_char_boundary(usize::from(u16::MAX));
        let length = u16::try_from(end).unwrap_or(u16::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&key.as_bytes()[..end]);
        encode(value, out);
    }
    out.extend_from_slice(&[0, 0, marker::OBJECT_END]);
}

fn count(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}
