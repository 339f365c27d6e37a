use super::{Value, marker};
use crate::limits::{AMF_DEPTH_MAX, AMF_KEYS_MAX, AMF_VALUES_MAX};

/// AMF that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmfError {
    /// It ends too early.
    #[error("it ends in the middle of a value")]
    Truncated,
    /// It has a value of a type nobody sends.
    #[error("it has a value of type {0}, which is not supported")]
    Unsupported(u8),
    /// It is nested too deeply.
    #[error("its objects are nested deeper than {AMF_DEPTH_MAX}")]
    Depth,
    /// An object has too many keys, or an array too many elements.
    #[error("it has an object with more than {AMF_KEYS_MAX} keys")]
    Keys,
    /// It has too many values in all.
    #[error("it has more than {AMF_VALUES_MAX} values")]
    Values,
    /// Its name is missing, or something else stands in its place.
    #[error("it has no name")]
    Nameless,
}

/// Reads all values of `bytes`.
///
/// # Errors
/// If they cannot be read, or are more or deeper than anybody needs.
pub fn decode(bytes: &[u8]) -> Result<Vec<Value>, AmfError> {
    let mut decoder = Decoder {
        rest: bytes,
        values_left: AMF_VALUES_MAX,
    };
    let mut values = Vec::new();
    while !decoder.rest.is_empty() {
        values.push(decoder.value(0)?);
    }
    Ok(values)
}

struct Decoder<'a> {
    rest: &'a [u8],
    values_left: usize,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, AmfError> {
        if depth > AMF_DEPTH_MAX {
            return Err(AmfError::Depth);
        }
        self.values_left = self.values_left.checked_sub(1).ok_or(AmfError::Values)?;
        let [kind] = self.array()?;
        Ok(match kind {
            marker::NUMBER => Value::Number(f64::from_be_bytes(self.array()?)),
            marker::BOOLEAN => Value::Boolean(self.array::<1>()? != [0]),
            marker::STRING => Value::String(self.short_text()?),
            marker::LONG_STRING | marker::XML_DOCUMENT => {
                let length = u32::from_be_bytes(self.array()?);
                Value::String(self.text(length as usize)?)
            }
            marker::OBJECT => Value::Object(self.pairs(depth)?),
            marker::TYPED_OBJECT => {
                let _class = self.short_text()?;
                Value::Object(self.pairs(depth)?)
            }
            marker::ECMA_ARRAY => {
                // Encoders write any count here; the end marker counts.
                let _count: [u8; 4] = self.array()?;
                Value::EcmaArray(self.pairs(depth)?)
            }
            marker::STRICT_ARRAY => Value::StrictArray(self.elements(depth)?),
            marker::DATE => {
                let milliseconds = f64::from_be_bytes(self.array()?);
                let _time_zone: [u8; 2] = self.array()?;
                Value::Date(milliseconds)
            }
            marker::NULL => Value::Null,
            marker::UNDEFINED | marker::UNSUPPORTED => Value::Undefined,
            other => return Err(AmfError::Unsupported(other)),
        })
    }

    fn pairs(&mut self, depth: usize) -> Result<Vec<(String, Value)>, AmfError> {
        let mut pairs = Vec::new();
        loop {
            let key = self.short_text()?;
            if key.is_empty() && self.rest.first() == Some(&marker::OBJECT_END) {
                self.rest = &self.rest[1..];
                return Ok(pairs);
            }
            if pairs.len() == AMF_KEYS_MAX {
                return Err(AmfError::Keys);
            }
            pairs.push((key, self.value(depth + 1)?));
            // Some encoders forget the end marker of the last thing they say.
            if self.rest.is_empty() {
                return Ok(pairs);
            }
        }
    }

    fn elements(&mut self, depth: usize) -> Result<Vec<Value>, AmfError> {
        let count = u32::from_be_bytes(self.array()?) as usize;
        if count > AMF_KEYS_MAX {
            return Err(AmfError::Keys);
        }
        (0..count).map(|_| self.value(depth + 1)).collect()
    }

    fn short_text(&mut self) -> Result<String, AmfError> {
        let length = u16::from_be_bytes(self.array()?);
        self.text(length.into())
    }

    fn text(&mut self, length: usize) -> Result<String, AmfError> {
        let (text, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(AmfError::Truncated)?;
        self.rest = rest;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], AmfError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(AmfError::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_nested_without_end_are_refused() {
        let mut bomb = Vec::new();
        for _ in 0..5000 {
            bomb.extend_from_slice(&[marker::OBJECT, 0, 1, b'a']);
        }
        assert_eq!(decode(&bomb), Err(AmfError::Depth));
        let arrays = [marker::STRICT_ARRAY, 0, 0, 0, 1].repeat(5000);
        assert_eq!(decode(&arrays), Err(AmfError::Depth));
    }

    #[test]
    fn a_length_field_allocates_nothing() {
        let array = [marker::STRICT_ARRAY, 0xFF, 0xFF, 0xFF, 0xFF];
        assert_eq!(decode(&array), Err(AmfError::Keys));
        let text = [marker::LONG_STRING, 0xFF, 0xFF, 0xFF, 0xFF, b'a'];
        assert_eq!(decode(&text), Err(AmfError::Truncated));
    }

    #[test]
    fn objects_of_many_keys_are_refused() {
        let mut wide = vec![marker::OBJECT];
        wide.extend([0, 1, b'a', marker::NULL].repeat(AMF_KEYS_MAX + 1));
        assert_eq!(decode(&wide), Err(AmfError::Keys));
        let many = vec![marker::NULL; AMF_VALUES_MAX + 1];
        assert_eq!(decode(&many), Err(AmfError::Values));
    }

    #[test]
    fn metadata_without_its_end_marker_is_understood() {
        let bytes = [
            marker::ECMA_ARRAY,
            0,
            0,
            0,
            9,
            0,
            1,
            b'w',
            marker::BOOLEAN,
            1,
        ];
        let expected = Value::EcmaArray(vec![("w".into(), Value::Boolean(true))]);
        assert_eq!(decode(&bytes).unwrap(), [expected]);
    }
}
