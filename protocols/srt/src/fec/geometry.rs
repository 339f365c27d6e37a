use super::config::{ColumnLayout, Rows};
use super::negotiation::PacketFilter;

/// Which packets belong together. Packets are named by their offset from the connection's
/// first sequence number, where the first groups begin.
///
/// ```text
///   even, cols:4,rows:3         staircase, cols:4,rows:3 (columns that begin later
///                               than offset 0 leave the packets above them out)
///    A B C D                     A . . D
///    A B C D                     A B . D
///    A B C D                     A B C D
///    A'B'C'D'                    A'B C D'
/// ```
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    columns: u64,
    column_length: u64,
    pub(super) has_rows: bool,
    pub(super) has_columns: bool,
    layout: ColumnLayout,
}

/// A row or a column: `length` packets, `step` apart, from `first` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) line: Line,
    pub(super) first: u64,
    pub(super) step: u64,
    pub(super) length: u64,
}

/// What a group runs along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Row,
    Column(u8),
}

impl Group {
    /// Its last packet, behind which its FEC packet is sent.
    pub(super) const fn last(&self) -> u64 {
        self.first + (self.length - 1) * self.step
    }

    pub(super) fn packets(&self) -> impl Iterator<Item = u64> + use<> {
        let Self { first, step, .. } = *self;
        (0..self.length).map(move |position| first + position * step)
    }
}

impl Geometry {
    pub(super) fn new(filter: &PacketFilter) -> Self {
        let (column_length, has_rows) = match filter.rows {
            Rows::Single => (1, true),
            Rows::Many(length) => (length, true),
            Rows::ColumnsAlone(length) => (length, false),
        };
        Self {
            columns: u64::from(filter.columns.max(1)),
            column_length: u64::from(column_length.max(1)),
            has_rows,
            has_columns: filter.rows != Rows::Single,
            layout: filter.layout,
        }
    }

    pub(super) const fn columns(&self) -> u64 {
        self.columns
    }

    /// Packets of one matrix: after so many a column's next group begins.
    pub(super) const fn matrix_packets(&self) -> u64 {
        self.columns * self.column_length
    }

    /// The row of a packet, protected or not.
    pub(super) const fn row_of(&self, offset: u64) -> Group {
        Group {
            line: Line::Row,
            first: offset - offset % self.columns,
            step: 1,
            length: self.columns,
        }
    }

    /// The column of a packet, if there is one.
    pub(super) fn column_of(&self, offset: u64) -> Option<Group> {
        if !self.has_columns {
            return None;
        }
        let column = offset % self.columns;
        let behind = offset.checked_sub(self.beginning_of(column))?;
        let turn = behind / self.matrix_packets();
        Some(Group {
            line: Line::Column(u8::try_from(column).ok()?),
            first: self.beginning_of(column) + turn * self.matrix_packets(),
            step: self.columns,
            length: self.column_length,
        })
    }

    /// The groups a packet is protected by.
    pub(super) fn groups_of(&self, offset: u64) -> impl Iterator<Item = Group> + use<> {
        let row = self.has_rows.then(|| self.row_of(offset));
        row.into_iter().chain(self.column_of(offset))
    }

    /// The last packet of all groups of `offset`: behind it nothing more comes that could
    /// rebuild it.
    pub(super) fn settled_after(&self, offset: u64) -> u64 {
        let row = self.row_of(offset).last();
        let column = self.column_of(offset).map(|column| column.last());
        column.map_or(row, |column| row.max(column))
    }

    /// Where the first group of a column begins. A staircase goes back to the first row
    /// after as many columns as there are rows.
    const fn beginning_of(&self, column: u64) -> u64 {
        match self.layout {
            ColumnLayout::Even => column,
            ColumnLayout::Staircase => column + column % self.column_length * self.columns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fec::ArqMode;

    fn geometry(columns: u8, rows: Rows, layout: ColumnLayout) -> Geometry {
        Geometry::new(&PacketFilter {
            columns,
            rows,
            layout,
            arq: ArqMode::Always,
        })
    }

    fn column(geometry: &Geometry, offset: u64) -> Vec<u64> {
        let column = geometry.column_of(offset);
        column.map_or(Vec::new(), |group| group.packets().collect())
    }

    #[test]
    fn even_columns_begin_in_one_row() {
        let even = geometry(4, Rows::Many(3), ColumnLayout::Even);
        assert_eq!(column(&even, 1), [1, 5, 9]);
        assert_eq!(column(&even, 11), [3, 7, 11]);
        assert_eq!(column(&even, 13), [13, 17, 21]);
        assert_eq!(even.row_of(6).packets().collect::<Vec<_>>(), [4, 5, 6, 7]);
    }

    #[test]
    fn staircase_columns_begin_a_row_lower_each_and_go_back_after_the_last_row() {
        let stairs = geometry(5, Rows::Many(3), ColumnLayout::Staircase);
        assert_eq!(column(&stairs, 0), [0, 5, 10]);
        assert_eq!(column(&stairs, 1), [0; 0]);
        assert_eq!(column(&stairs, 6), [6, 11, 16]);
        assert_eq!(column(&stairs, 7), [0; 0]);
        assert_eq!(column(&stairs, 12), [12, 17, 22]);
        assert_eq!(column(&stairs, 3), [3, 8, 13]);
        assert_eq!(column(&stairs, 4), [0; 0]);
        assert_eq!(column(&stairs, 9), [9, 14, 19]);
        assert_eq!(column(&stairs, 21), [21, 26, 31]);
    }

    #[test]
    fn every_packet_is_in_one_group_of_each_kind_once_columns_have_begun() {
        for layout in [ColumnLayout::Even, ColumnLayout::Staircase] {
            for rows in [Rows::Many(2), Rows::Many(7), Rows::ColumnsAlone(3)] {
                let geometry = geometry(5, rows, layout);
                for offset in geometry.matrix_packets() * 2..geometry.matrix_packets() * 5 {
                    let column = geometry.column_of(offset).unwrap();
                    assert_eq!(column.packets().filter(|it| *it == offset).count(), 1);
                    for other in column.packets() {
                        assert_eq!(geometry.column_of(other), Some(column));
                    }
                }
            }
        }
    }

    #[test]
    fn a_packet_is_settled_once_its_row_and_its_column_are_over() {
        let even = geometry(4, Rows::Many(3), ColumnLayout::Even);
        assert_eq!(even.settled_after(0), 8);
        assert_eq!(even.settled_after(8), 11);
        let rows = geometry(4, Rows::Single, ColumnLayout::Staircase);
        assert_eq!(rows.settled_after(5), 7);
        assert_eq!(rows.groups_of(5).count(), 1);
    }
}
