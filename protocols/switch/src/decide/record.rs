//! What was decided, with the evidence it was decided on.

use core::fmt;
use std::sync::Arc;

use tidegate_units::{Duration, Instant};

use super::standing::Rank;
use super::view::{Figure, Severity};
use crate::order::{OnAir, Order};

/// What comes out of the rules.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// To be done.
    Order(Order),
    /// To be told: one event.
    Decision(Box<Decision>),
}

/// One decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What became of it.
    pub step: Step,
    /// When.
    pub at: Instant,
    /// What was on air.
    pub from: OnAir,
    /// What is, or was, to be on air.
    pub to: OnAir,
    /// Why.
    pub why: Why,
    /// Why, in words: `cam1-main: no packets for 150 ms`.
    pub text: String,
    /// Nobody asked for it.
    pub automatic: bool,
    /// Who asked for it.
    pub by: Option<Arc<str>>,
    /// From the beginning of the cause, the arrival of the last packet, until it was decided.
    pub decided_after: Duration,
    /// What was measured, where a trigger fired.
    pub figure: Option<Figure>,
    /// How every input stood, in priority order.
    pub evidence: Vec<Evidence>,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// It is ordered.
    Ordered,
    /// It is on air.
    Aired,
    /// The cause went away before anything was cut: nothing has happened.
    Averted,
    /// It was given up, as what was chosen cannot be shown.
    GivenUp,
    /// There was a reason to leave, and it was stayed.
    Stayed,
    /// A scheduled take was not done.
    Missed,
    /// Automatic switches have come too often: an operator has to look.
    Latched,
    /// An operator set or took away a lock, a hold or a latch, or began a drill.
    Set,
    /// A drill on air is over, and another input has taken over.
    DrillPassed,
    /// None has, or it had nothing to show for long.
    DrillFailed,
    /// Somebody ended a drill on air before its time: it proves nothing, either way.
    DrillBrokenOff,
}

impl Step {
    /// Its name in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Aired => "aired",
            Self::Averted => "averted",
            Self::GivenUp => "given_up",
            Self::Stayed => "stayed",
            Self::Missed => "missed",
            Self::Latched => "latched",
            Self::Set => "set",
            Self::DrillPassed | Self::DrillFailed | Self::DrillBrokenOff => "drill_ended",
        }
    }
}

/// Why something was decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// This trigger fired.
    Trigger(Arc<str>),
    /// There was nothing to show from what is on air, though no trigger said so.
    NoMedia,
    /// Nothing was on air yet.
    Start,
    /// An input has media again, and the slate is not needed any more.
    MediaBack,
    /// A better input was clean for long enough, or an operator asked for it.
    Return,
    /// An operator, or a script.
    Take,
    /// The schedule.
    Schedule,
    /// Too many automatic switches.
    TooMany,
    /// An operator locked.
    Lock,
    /// An operator unlocked.
    Unlock,
    /// An operator held the automatic, or let it go.
    Hold,
    /// A drill on air.
    Drill,
}

impl Why {
    /// Its name in events and in the status.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Trigger(code) => code,
            Self::NoMedia => "no_media",
            Self::Start => "start",
            Self::MediaBack => "media_back",
            Self::Return => "return",
            Self::Take => "take",
            Self::Schedule => "schedule",
            Self::TooMany => "too_many",
            Self::Lock => "lock",
            Self::Unlock => "unlock",
            Self::Hold => "hold",
            Self::Drill => "drill",
        }
    }
}

/// How one input stood when something was decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Its name.
    pub input: Arc<str>,
    /// How good it was.
    pub rank: Rank,
    /// Somebody sent.
    pub connected: bool,
    /// Something arrived.
    pub delivers: bool,
    /// For how long nothing at all was wrong.
    pub clean_for: Option<Duration>,
    /// Why it was no candidate; alarms also.
    pub reasons: Vec<ReasonText>,
}

/// One reason against an input.
#[derive(Clone, Debug, PartialEq)]
pub struct ReasonText {
    /// Its name.
    pub code: Arc<str>,
    /// In words.
    pub text: Arc<str>,
    /// Of the trigger, where it is one.
    pub severity: Option<Severity>,
    /// Since when, where it is a trigger.
    pub since: Option<Instant>,
}

/// What a command that was accepted leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is ordered, and on air at the next key frame.
    Ordered(OnAir),
    /// It is on air already.
    AlreadyOnAir(OnAir),
}

/// Why a command was not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The program is locked.
    Locked,
    /// There is no such input.
    NoSuchInput,
    /// There is no slate in the program's format.
    NoSlate,
    /// The input is not ready, for these reasons; it may be forced.
    NotReady(Arc<str>, String),
    /// The input has nothing to show, for these reasons: not even force makes a picture.
    NothingToShow(Arc<str>, String),
    /// The input's format is not the program's, and that is refused.
    OtherFormat(Arc<str>, Arc<str>),
    /// The most wanted input is on air already.
    AlreadyFirst(Arc<str>),
    /// No input that is wanted more is ready, for these reasons.
    NoneToReturnTo(String),
    /// There is no input on air that could be cut.
    NothingToCut,
    /// Nothing would take over: automatic switching is held or latched.
    AutomaticOff,
    /// Nothing would take over: no other input is ready, for these reasons.
    NoneToTakeOver(String),
    /// A drill is under way.
    DrillUnderWay,
}

impl Refusal {
    /// Its name in answers.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::NoSuchInput => "no_such_input",
            Self::NoSlate => "no_slate",
            Self::NotReady(..) => "not_ready",
            Self::NothingToShow(..) => "nothing_to_show",
            Self::OtherFormat(..) => "other_format",
            Self::AlreadyFirst(_) => "already_first",
            Self::NoneToReturnTo(_) => "none_to_return_to",
            Self::NothingToCut => "nothing_to_cut",
            Self::AutomaticOff => "automatic_off",
            Self::NoneToTakeOver(_) => "none_to_take_over",
            Self::DrillUnderWay => "drill_under_way",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str("the program is locked; unlock it first"),
            Self::NoSuchInput => f.write_str("the switch has no such input"),
            Self::NoSlate => f.write_str("there is no slate in the program's format"),
            Self::NotReady(name, why) => {
                write!(
                    f,
                    "{name} is not ready: {why}; with force it is taken all the same"
                )
            }
            Self::NothingToShow(name, why) => {
                write!(
                    f,
                    "{name} has nothing to show: {why}; the program would go dark"
                )
            }
            Self::OtherFormat(name, why) => {
                write!(f, "{name} is not taken: {why}; on_mismatch: switch allows it")
            }
            Self::AlreadyFirst(name) => {
                write!(
                    f,
                    "{name} is on air, and no input comes before it in the order"
                )
            }
            Self::NoneToReturnTo(why) => write!(f, "no better input is ready: {why}"),
            Self::NothingToCut => f.write_str("no input is on air that could be cut"),
            Self::AutomaticOff => f.write_str(
                "automatic switching is held or latched, so nothing would take over; let it go first",
            ),
            Self::NoneToTakeOver(why) => {
                write!(f, "no other input is ready to take over: {why}")
            }
            Self::DrillUnderWay => f.write_str("a drill on air is under way"),
        }
    }
}

impl core::error::Error for Refusal {}
