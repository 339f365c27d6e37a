//! `packet_filter: "fec,cols:10,rows:5"`, as libsrt writes it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::SettingsError;
use tidegate_srt::FilterConfig;
use tidegate_srt::fec::FilterError;

use super::uri::CallUri;

/// The word for no filter at all.
const NONE: &str = "none";

/// Forward error correction, in libsrt's notation: `fec,cols:10,rows:5`, and where wanted
/// `layout:even` or `staircase`, `arq:always`, `onreq` or `never`. What is left out is the
/// other side's to say. `none`: callers that want a filter are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", example = &"fec,cols:10,rows:5")]
pub enum FilterChoice {
    /// None, whatever the other side wants.
    None,
    /// This one, and what the other side adds to it.
    Fec(FilterConfig),
}

impl FilterChoice {
    /// What this side asks for.
    pub(crate) const fn wanted(self) -> Option<FilterConfig> {
        match self {
            Self::None => None,
            Self::Fec(config) => Some(config),
        }
    }
}

impl FromStr for FilterChoice {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        match text {
            NONE => Ok(Self::None),
            text => text.parse().map(Self::Fec),
        }
    }
}

impl TryFrom<String> for FilterChoice {
    type Error = FilterError;

    fn try_from(text: String) -> Result<Self, FilterError> {
        text.parse()
    }
}

impl fmt::Display for FilterChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str(NONE),
            Self::Fec(config) => config.fmt(f),
        }
    }
}

impl From<FilterChoice> for String {
    fn from(choice: FilterChoice) -> Self {
        choice.to_string()
    }
}

/// An address may name the filter as well, but not another one.
pub(super) fn check_filter(
    call: Option<&CallUri>,
    own: Option<FilterChoice>,
) -> Result<(), SettingsError> {
    let in_address = call.and_then(|uri| uri.options().packet_filter);
    match (in_address, own) {
        (Some(address), Some(own)) if address != own => Err(SettingsError::new(
            "packet_filter",
            format!("it is {own} here and {address} in the address"),
        )
        .advise("write it in one of the two places")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::SourceSettings;
    use tidegate_engine::Settings;

    fn parse(text: &str) -> Result<SourceSettings, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn it_is_written_as_libsrt_writes_it_and_comes_back() {
        for filter in ["fec,cols:10,rows:5", "fec", "none", "fec,cols:4,arq:never"] {
            let text = format!(
                r#"{{"listener":"ingest","stream_id":"live/a","packet_filter":"{filter}"}}"#
            );
            let settings = parse(&text).unwrap();
            assert!(settings.check().is_ok());
            assert_eq!(serde_json::to_string(&settings).unwrap(), text);
        }
    }

    #[test]
    fn a_wrong_one_is_refused_where_it_stands() {
        let text = "{\"listener\":\"a\",\"stream_id\":\"b\",\n\"packet_filter\":\"fec,cols:1\"}";
        let error = parse(text).unwrap_err();
        assert_eq!(error.line(), 2, "{error}");
        assert!(error.to_string().contains("2 to 127"), "{error}");
    }

    #[test]
    fn address_and_field_must_not_differ() {
        let check = |own: &str| {
            let text = format!(
                r#"{{"call":"srt://h:1?packetfilter=fec,cols:5","packet_filter":"{own}"}}"#
            );
            parse(&text).unwrap().check().map_err(|error| error.field)
        };
        assert_eq!(check("fec,cols:5"), Ok(()));
        assert_eq!(check("fec,cols:6"), Err("packet_filter"));
    }
}
