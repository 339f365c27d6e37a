//! Where a value is on a logarithmic axis.

/// An axis from one power of ten to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Logarithms of the lowest and highest value shown.
    low: f64,
    high: f64,
    /// Pixels where those are.
    from: f64,
    to: f64,
}

impl Scale {
    /// One that shows all of `values` between the pixels `from` and `to`.
    pub(crate) fn of(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| *value > 0.0) {
            low = low.min(value.log10());
            high = high.max(value.log10());
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let low = low.floor();
        Self {
            low,
            high: high.ceil().max(low + 1.0),
            from,
            to,
        }
    }

    /// The pixel of a value; what is less than the axis shows is at its beginning.
    pub(crate) fn pixel(&self, value: f64) -> f64 {
        let log = value.max(f64::MIN_POSITIVE).log10().max(self.low);
        self.from + (log - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// The powers of ten on it.
    pub(crate) fn ticks(&self) -> impl Iterator<Item = f64> + use<> {
        let (low, high) = (self.low as i32, self.high as i32);
        (low..=high).map(|power| 10_f64.powi(power))
    }
}

/// A number as short as it is understood.
pub(crate) fn short(value: f64) -> String {
    let text = match value {
        v if v >= 10.0 => return format!("{v:.0}"),
        v if v >= 1.0 => format!("{v:.1}"),
        v if v >= 0.01 => format!("{v:.2}"),
        v => format!("{v:.4}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_begins_and_ends_with_a_power_of_ten_around_its_values() {
        let scale = Scale::of([3.0, 250.0].into_iter(), 100.0, 400.0);
        assert_eq!(
            scale.ticks().collect::<Vec<_>>(),
            [1.0, 10.0, 100.0, 1000.0]
        );
        assert_eq!(scale.pixel(1.0), 100.0);
        assert_eq!(scale.pixel(100.0), 300.0);
        assert_eq!(scale.pixel(0.0), 100.0);
    }

    #[test]
    fn an_axis_of_one_value_or_none_is_still_an_axis() {
        let one = Scale::of([1.0].into_iter(), 0.0, 10.0);
        assert_eq!(one.ticks().collect::<Vec<_>>(), [1.0, 10.0]);
        let none = Scale::of([0.0].into_iter(), 0.0, 10.0);
        assert_eq!(none.pixel(1.0), 0.0);
    }

    #[test]
    fn numbers_lose_what_nobody_reads() {
        let shown = [1000.0, 12.34, 7.04, 0.5, 0.054, 0.0004].map(short);
        assert_eq!(shown, ["1000", "12", "7", "0.5", "0.05", "0.0004"]);
    }
}
