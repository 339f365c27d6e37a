use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_engine::SettingsError;
use tidegate_srt::ConnectionConfig;

/// More than this many repetitions per packet heal nothing.
const PERCENT_MAX: u32 = 1000;

/// What repeating lost packets may cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SrtRepeats")]
pub(crate) struct Repeats {
    /// Packets sent again per hundred new ones, on average; 100 without it. What is beyond
    /// that waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) budget_percent: Option<u32>,
    /// Of these, second copies of repetitions that are the last in time for play-out, per
    /// hundred new packets; 40 without it, 0 for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) copies_percent: Option<u32>,
}

impl Repeats {
    pub(super) fn check(self) -> Result<(), SettingsError> {
        let too_many = |percent: Option<u32>| percent > Some(PERCENT_MAX);
        if too_many(self.budget_percent) || too_many(self.copies_percent) {
            let message = format!("more than {PERCENT_MAX} percent heals nothing");
            return Err(SettingsError::new("repeats", message)
                .advise("100 is enough on links that lose a third of the packets"));
        }
        if self.budget_percent == Some(0) {
            let message = "without a budget nothing lost is ever sent again";
            return Err(SettingsError::new("repeats", message)
                .advise("write 1 or more, or leave it out for 100"));
        }
        Ok(())
    }

    pub(crate) fn apply(self, config: &mut ConnectionConfig) {
        let (budget, copies) = (self.budget_percent, self.copies_percent);
        config.max_resend_percent = budget.unwrap_or(config.max_resend_percent);
        config.max_duplicate_percent = copies.unwrap_or(config.max_duplicate_percent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Repeats {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_not_written_stays_as_it_is() {
        let mut config = ConnectionConfig::default();
        parse(r#"{ "copies_percent": 0 }"#).apply(&mut config);
        assert_eq!(
            (config.max_resend_percent, config.max_duplicate_percent),
            (100, 0)
        );
    }

    #[test]
    fn budgets_that_cannot_be_meant_are_refused() {
        for text in [
            r#"{"budget_percent":0}"#,
            r#"{"budget_percent":1001}"#,
            r#"{"copies_percent":5000}"#,
        ] {
            assert_eq!(parse(text).check().unwrap_err().field, "repeats", "{text}");
        }
        assert!(serde_json::from_str::<Repeats>(r#"{"budget":5}"#).is_err());
    }
}
