use core::fmt;
use core::str::FromStr;

/// Most columns: a FEC packet names its column in a signed byte, of which −1 means a row.
pub const MAX_COLUMNS: u8 = 127;
/// Most rows. With [`MAX_COLUMNS`] it bounds what a filter a stranger asks for may hold:
/// about a megabyte for each direction.
pub const MAX_ROWS: u8 = 127;
const MIN_COLUMNS: u8 = 2;
const MIN_COLUMN_LENGTH: u8 = 2;

/// The packet filter one side wants, in libsrt's notation:
/// `fec,cols:10,rows:5,layout:staircase,arq:onreq`.
///
/// What it leaves open is the other side's to say; what both leave open has a default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FilterConfig {
    /// Packets in a row, which is the number of columns.
    pub columns: Option<u8>,
    /// Whether there are columns, and how long they are.
    pub rows: Option<Rows>,
    /// How columns begin.
    pub layout: Option<ColumnLayout>,
    /// How the filter and retransmission share the work.
    pub arq: Option<ArqMode>,
}

/// Which groups are protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Only rows.
    #[default]
    Single,
    /// Rows, and columns of so many packets.
    Many(u8),
    /// Only columns, of so many packets.
    ColumnsAlone(u8),
}

/// How columns begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ColumnLayout {
    /// All in one row: the FEC packets of columns leave in a burst.
    Even,
    /// Each a row below its neighbour: they leave evenly spaced.
    #[default]
    Staircase,
}

/// How the filter and retransmission share the work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ArqMode {
    /// Every loss is reported at once, whether or not the filter could rebuild it.
    Always,
    /// Only what the filter has given up is reported.
    #[default]
    OnRequest,
    /// Nothing is ever reported.
    Never,
}

/// A packet filter that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// Not the one filter there is.
    #[error("there is no packet filter {0:?}: the only one is fec, like fec,cols:10,rows:5")]
    UnknownFilter(String),
    /// A part that is not `key:value`.
    #[error("{0:?} is not key:value: write it like fec,cols:10,rows:5,layout:even,arq:never")]
    Form(String),
    /// A key nobody knows.
    #[error("fec has no {0:?}: its keys are cols, rows, layout and arq")]
    UnknownKey(String),
    /// A key that is there twice.
    #[error("{0} is there twice: write it once")]
    Twice(&'static str),
    /// Too few or too many columns.
    #[error("cols:{0} cannot be: cols is the packets in a row, a number from 2 to 127")]
    Columns(String),
    /// Too few or too many rows.
    #[error(
        "rows:{0} cannot be: rows is 1 for rows alone, 2 to 127 for rows and columns, \
         or -2 to -127 for columns alone"
    )]
    Rows(String),
    /// An unknown layout.
    #[error("layout:{0} cannot be: layout is even or staircase")]
    Layout(String),
    /// An unknown mode.
    #[error("arq:{0} cannot be: arq is always, onreq or never")]
    Arq(String),
}

impl FromStr for FilterConfig {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let mut parts = text.split(',').map(str::trim);
        let name = parts.next().unwrap_or_default();
        if name != "fec" {
            return Err(FilterError::UnknownFilter(name.to_owned()));
        }
        let mut config = Self::default();
        for part in parts {
            let (key, value) = part
                .split_once(':')
                .ok_or_else(|| FilterError::Form(part.to_owned()))?;
            config.set(key, value)?;
        }
        Ok(config)
    }
}

impl FilterConfig {
    fn set(&mut self, key: &str, value: &str) -> Result<(), FilterError> {
        let owned = || value.to_owned();
        match key {
            "cols" => {
                let columns = value.parse().map_err(|_| FilterError::Columns(owned()))?;
                if !(MIN_COLUMNS..=MAX_COLUMNS).contains(&columns) {
                    return Err(FilterError::Columns(owned()));
                }
                once("cols", &mut self.columns, columns)
            }
            "rows" => once("rows", &mut self.rows, value.parse()?),
            "layout" => once("layout", &mut self.layout, value.parse()?),
            "arq" => once("arq", &mut self.arq, value.parse()?),
            _ => Err(FilterError::UnknownKey(key.to_owned())),
        }
    }
}

fn once<T>(key: &'static str, place: &mut Option<T>, value: T) -> Result<(), FilterError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(FilterError::Twice(key)),
    }
}

impl FromStr for Rows {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let wrong = || FilterError::Rows(text.to_owned());
        let rows: i16 = text.parse().map_err(|_| wrong())?;
        if rows == 1 {
            return Ok(Self::Single);
        }
        let length = u8::try_from(rows.unsigned_abs()).map_err(|_| wrong())?;
        if !(MIN_COLUMN_LENGTH..=MAX_ROWS).contains(&length) {
            return Err(wrong());
        }
        Ok(if rows > 0 {
            Self::Many(length)
        } else {
            Self::ColumnsAlone(length)
        })
    }
}

impl FromStr for ColumnLayout {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        match text {
            "even" => Ok(Self::Even),
            "staircase" => Ok(Self::Staircase),
            _ => Err(FilterError::Layout(text.to_owned())),
        }
    }
}

impl FromStr for ArqMode {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        match text {
            "always" => Ok(Self::Always),
            "onreq" => Ok(Self::OnRequest),
            "never" => Ok(Self::Never),
            _ => Err(FilterError::Arq(text.to_owned())),
        }
    }
}

impl fmt::Display for FilterConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fec")?;
        if let Some(columns) = self.columns {
            write!(f, ",cols:{columns}")?;
        }
        if let Some(rows) = self.rows {
            write!(f, ",rows:{rows}")?;
        }
        if let Some(layout) = self.layout {
            write!(f, ",layout:{layout}")?;
        }
        if let Some(arq) = self.arq {
            write!(f, ",arq:{arq}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single => f.write_str("1"),
            Self::Many(rows) => write!(f, "{rows}"),
            Self::ColumnsAlone(rows) => write!(f, "-{rows}"),
        }
    }
}

impl fmt::Display for ColumnLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Even => "even",
            Self::Staircase => "staircase",
        })
    }
}

impl fmt::Display for ArqMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "always",
            Self::OnRequest => "onreq",
            Self::Never => "never",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<FilterConfig, FilterError> {
        text.parse()
    }

    #[test]
    fn what_is_written_comes_back() {
        for text in [
            "fec",
            "fec,cols:10",
            "fec,cols:127,rows:-127,layout:staircase,arq:always",
            "fec,rows:1,layout:even,arq:never",
            "fec,cols:2,rows:2,arq:onreq",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_wrong_filter_is_refused_with_what_is_valid() {
        let cases = [
            ("", "the only one is fec"),
            ("xor,cols:5", "the only one is fec"),
            ("fec,cols", "is not key:value"),
            ("fec,", "is not key:value"),
            ("fec,columns:5", "cols, rows, layout and arq"),
            ("fec,cols:5,cols:5", "twice"),
            ("fec,cols:1", "2 to 127"),
            ("fec,cols:128", "2 to 127"),
            ("fec,cols:-5", "2 to 127"),
            ("fec,cols:5x", "2 to 127"),
            ("fec,rows:0", "rows is 1"),
            ("fec,rows:-1", "rows is 1"),
            ("fec,rows:128", "rows is 1"),
            ("fec,rows:-32768", "rows is 1"),
            ("fec,layout:square", "even or staircase"),
            ("fec,arq:sometimes", "always, onreq or never"),
        ];
        for (text, valid) in cases {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(valid), "{text}: {error}");
        }
    }
}
