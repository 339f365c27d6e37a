use crate::amf::{AmfError, Value, decode, encode};
use crate::message::{Message, kind};

/// A command message: `connect`, `publish`, `_result`, `onStatus` …
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) transaction: f64,
    /// The command object, then what follows it.
    pub(crate) arguments: Vec<Value>,
}

impl Command {
    pub(crate) fn parse(message: &Message) -> Result<Self, AmfError> {
        let mut values = values_of(message)?.into_iter();
        let Some(Value::String(name)) = values.next() else {
            return Err(AmfError::Nameless);
        };
        let transaction = values.next().and_then(|value| value.as_number());
        Ok(Self {
            name,
            transaction: transaction.unwrap_or_default(),
            arguments: values.collect(),
        })
    }

    /// The text at place `index` after the command object.
    pub(crate) fn text(&self, index: usize) -> &str {
        let value = self.arguments.get(1 + index);
        value.and_then(Value::as_str).unwrap_or_default()
    }
}

/// A data message: its name and what follows.
pub(crate) fn parse_data(message: &Message) -> Result<(String, Vec<Value>), AmfError> {
    let mut values = values_of(message)?;
    // The sender's word for "keep this and tell it to everybody who joins".
    if values.first().and_then(Value::as_str) == Some("@setDataFrame") {
        values.remove(0);
    }
    if values.is_empty() {
        return Err(AmfError::Nameless);
    }
    match values.remove(0) {
        Value::String(name) => Ok((name, values)),
        _ => Err(AmfError::Nameless),
    }
}

fn values_of(message: &Message) -> Result<Vec<Value>, AmfError> {
    // AMF3 messages say with a zero that AMF0 follows, and so they all do.
    let skipped = match message.kind {
        kind::COMMAND_AMF3 | kind::DATA_AMF3 if message.body.first() == Some(&0) => 1,
        _ => 0,
    };
    decode(&message.body[skipped..])
}

pub(crate) fn encode_values(values: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    values.iter().for_each(|value| encode(value, &mut bytes));
    bytes
}

/// The object that tells how something went.
pub(crate) fn status(level: &str, code: &str, description: &str) -> Value {
    Value::object([
        ("level", level.into()),
        ("code", code.into()),
        ("description", description.into()),
    ])
}
