//! As much of SVG as a chart needs.

use std::fmt::Write as _;

/// Text that is read first, and text beside it.
pub(crate) const INK: &str = "#1f2328";
pub(crate) const FAINT_INK: &str = "#57606a";
/// Lines behind the data.
pub(crate) const GRID: &str = "#d8dee4";

/// Which end of a text is at its place.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text's looks.
#[derive(Clone, Copy)]
pub(crate) struct Font {
    pub(crate) size: f64,
    pub(crate) is_bold: bool,
    pub(crate) colour: &'static str,
}

impl Font {
    pub(crate) const TITLE: Self = Self::new(18.0, true, INK);
    pub(crate) const HEADING: Self = Self::new(14.0, true, INK);
    pub(crate) const LABEL: Self = Self::new(13.0, false, INK);
    pub(crate) const NOTE: Self = Self::new(12.0, false, FAINT_INK);

    const fn new(size: f64, is_bold: bool, colour: &'static str) -> Self {
        Self {
            size,
            is_bold,
            colour,
        }
    }
}

/// A drawing on white, in pixels from its upper left corner.
pub(crate) struct Drawing {
    width: f64,
    height: f64,
    body: String,
}

impl Drawing {
    pub(crate) const fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
        }
    }

    pub(crate) fn text(&mut self, x: f64, y: f64, anchor: Anchor, font: Font, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if font.is_bold {
            " font-weight=\"600\""
        } else {
            ""
        };
        let Font { size, colour, .. } = font;
        self.add(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"{colour}\"{weight}>{}</text>",
            escaped(text)
        ));
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.add(&format!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>"
        ));
    }

    pub(crate) fn bar(&mut self, at: (f64, f64), width: f64, height: f64, colour: &str) {
        let (x, y) = at;
        self.add(&format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\" fill=\"{colour}\"/>"
        ));
    }

    pub(crate) fn curve(&mut self, points: &[(f64, f64)], colour: &str, dashes: &str) {
        let list: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let dashes = match dashes {
            "" => String::new(),
            some => format!(" stroke-dasharray=\"{some}\""),
        };
        self.add(&format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" stroke-linejoin=\"round\"{dashes}/>",
            list.join(" ")
        ));
    }

    pub(crate) fn dot(&mut self, at: (f64, f64), colour: &str) {
        let (x, y) = at;
        self.add(&format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\" stroke=\"white\" stroke-width=\"1\"/>"
        ));
    }

    /// The whole file.
    pub(crate) fn finish(self) -> String {
        let Self {
            width,
            height,
            body,
        } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n{body}</svg>\n"
        )
    }

    fn add(&mut self, element: &str) {
        let _ = writeln!(self.body, "{element}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_text_cannot_end_it() {
        let mut drawing = Drawing::new(10.0, 10.0);
        drawing.text(0.0, 0.0, Anchor::Start, Font::LABEL, "a < b & </text>");
        let file = drawing.finish();
        assert!(file.contains(">a &lt; b &amp; &lt;/text&gt;</text>"));
    }
}
