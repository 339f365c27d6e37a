//! AMF0, the notation of commands and metadata (Adobe's specification of 2007).

mod decode;
mod encode;

pub use decode::{AmfError, decode};
pub use encode::encode;

/// One AMF0 value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Text, short or long; XML documents too.
    String(String),
    /// Keys with values, in the order they were sent; typed objects too.
    Object(Vec<(String, Self)>),
    /// The same, written as an associative array: `onMetaData` is usually one.
    EcmaArray(Vec<(String, Self)>),
    /// Values without keys.
    StrictArray(Vec<Self>),
    /// Milliseconds since 1970.
    Date(f64),
    /// Nothing.
    Null,
    /// Not even that.
    Undefined,
}

impl Value {
    /// An object of these keys.
    #[must_use]
    pub fn object<'a>(pairs: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        let owned = |(key, value): (&str, Self)| (key.to_owned(), value);
        Self::Object(pairs.into_iter().map(owned).collect())
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub const fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The keys and values, if it has any.
    #[must_use]
    pub fn pairs(&self) -> &[(String, Self)] {
        match self {
            Self::Object(pairs) | Self::EcmaArray(pairs) => pairs,
            _ => &[],
        }
    }

    /// The value of `key`, if there is one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let mut pairs = self.pairs().iter();
        pairs.find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(f64::from(number))
    }
}

/// The first byte of a value says what it is.
mod marker {
    pub(super) const NUMBER: u8 = 0;
    pub(super) const BOOLEAN: u8 = 1;
    pub(super) const STRING: u8 = 2;
    pub(super) const OBJECT: u8 = 3;
    pub(super) const NULL: u8 = 5;
    pub(super) const UNDEFINED: u8 = 6;
    pub(super) const ECMA_ARRAY: u8 = 8;
    pub(super) const OBJECT_END: u8 = 9;
    pub(super) const STRICT_ARRAY: u8 = 10;
    pub(super) const DATE: u8 = 11;
    pub(super) const LONG_STRING: u8 = 12;
    pub(super) const UNSUPPORTED: u8 = 13;
    pub(super) const XML_DOCUMENT: u8 = 15;
    pub(super) const TYPED_OBJECT: u8 = 16;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(|number| Value::Number(f64::from(number))),
            any::<bool>().prop_map(Value::Boolean),
            ".{0,20}".prop_map(Value::String),
            Just(Value::Null),
            Just(Value::Undefined),
            any::<i32>().prop_map(|time| Value::Date(f64::from(time))),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            let pairs = prop::collection::vec(("[a-z]{1,8}", inner.clone()), 0..8);
            prop_oneof![
                pairs.clone().prop_map(Value::Object),
                pairs.prop_map(Value::EcmaArray),
                prop::collection::vec(inner, 0..8).prop_map(Value::StrictArray),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(values in prop::collection::vec(any_value(), 0..4)) {
            let mut bytes = Vec::new();
            values.iter().for_each(|value| encode(value, &mut bytes));
            prop_assert_eq!(decode(&bytes).unwrap(), values);
        }

        #[test]
        fn garbage_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn long_texts_are_written_as_long_strings() {
        let long = Value::String("x".repeat(70_000));
        let mut bytes = Vec::new();
        encode(&long, &mut bytes);
        assert_eq!(bytes[0], marker::LONG_STRING);
        assert_eq!(decode(&bytes).unwrap(), [long]);
    }
}
