use crate::limits;
use std::sync::Arc;
use tidegate_engine::{
    Batch, Checks, Feed, Feeds, Fired, Link, MediaStatus, Reader, ReaderOptions, Signal, Triggers,
    TsChunk, Vitals, Wake,
};
use tidegate_mpegts::PACKET_BYTES;
use tidegate_switch::Piece;
use tidegate_units::{Duration, Instant};

/// One input: its feed, how it is doing, and its lane in the program.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) name: Arc<str>,
    /// Its lane in the program, which stays when others come and go.
    pub(crate) lane: usize,
    feed: Feed,
    reader: Reader<TsChunk>,
    signal: Signal,
    pub(crate) checks: Checks,
    pub(crate) vitals: Vitals,
    /// The program was told that it has ended.
    is_ended: bool,
    /// Since when nobody can look into it.
    scrambled_since: Option<Instant>,
    /// What came last and was kept from the program, as long as nothing else came.
    kept_from: Option<KeptFrom>,
}

/// What the program does not get, and must be told of with what it gets next.
#[derive(Clone, Copy, Debug, Default)]
struct KeptFrom {
    packets: u64,
    restarted: bool,
}

impl Input {
    pub(crate) fn new(
        name: &str,
        lane: usize,
        feeds: &Feeds,
        triggers: Triggers,
        wake: Arc<dyn Wake>,
    ) -> Self {
        let feed = feeds.get(name);
        let reader = feed.read_ts(ReaderOptions {
            max_batches: limits::QUEUE_BATCHES,
            max_bytes: limits::QUEUE_BYTES,
            wake: Some(wake),
            watcher: false,
        });
        Self {
            name: name.into(),
            lane,
            signal: feed.watch_signal(),
            feed,
            reader,
            checks: Checks::new(triggers),
            vitals: Vitals::default(),
            is_ended: true,
            scrambled_since: None,
            kept_from: None,
        }
    }

    /// The next batch, and whether what it carries begins anew. A standby comes back by itself,
    /// on the turns that what is on air makes.
    pub(crate) fn next(&mut self, is_awaited: bool) -> Option<Came> {
        let batch = if is_awaited {
            self.reader.try_next()
        } else {
            self.reader.try_next_unasked()
        }?;
        let gap = self.reader.gap();
        let kept_from = self.kept_from.take().unwrap_or_default();
        let restarted = gap.restarted || self.is_ended || kept_from.restarted;
        self.is_ended = false;
        Some(Came {
            batch,
            restarted,
            lost: gap.lost + kept_from.packets,
        })
    }

    /// The next batch while the program is to see nothing of it. What it would have learned from
    /// that, it learns with what it gets next.
    pub(crate) fn keep_from(&mut self, is_awaited: bool) -> Option<()> {
        let came = self.next(is_awaited)?;
        let chunks = came.batch.iter();
        let packets = chunks.map(|chunk| {
            let here = (chunk.bytes.len() / PACKET_BYTES) as u64;
            u64::from(chunk.lost_before) + here
        });
        self.kept_from = Some(KeptFrom {
            packets: came.lost + packets.sum::<u64>(),
            restarted: came.restarted,
        });
        Some(())
    }

    /// What comes next begins anew, for the program.
    pub(crate) fn begin_anew(&mut self) {
        self.kept_from.get_or_insert_default().restarted = true;
    }

    /// Looks at its vital signs.
    pub(crate) fn look(&mut self, now: Instant) {
        self.signal.renew(&mut self.vitals);
        self.checks.look(now, &self.vitals);
        let is_scrambled = self.vitals.stream.scrambled && self.vitals.link != Link::Down;
        self.scrambled_since = is_scrambled.then(|| self.scrambled_since.unwrap_or(now));
    }

    pub(crate) const fn scrambled_since(&self) -> Option<Instant> {
        self.scrambled_since
    }

    /// Whether its sender has gone, which is said once.
    pub(crate) fn has_just_ended(&mut self) -> bool {
        let is_gone = self.vitals.link == Link::Down && self.reader.queued_batches() == 0;
        is_gone && !core::mem::replace(&mut self.is_ended, true)
    }

    pub(crate) fn fired(&self) -> &[Fired] {
        self.checks.fired()
    }

    pub(crate) fn silent_for(&self, now: Instant) -> Option<Duration> {
        let last = self.vitals.last_arrival?;
        Some(now.saturating_since(last))
    }

    pub(crate) fn media(&self) -> Option<Arc<MediaStatus>> {
        self.feed.media()
    }

    /// Packets that it lost because this switch was too slow.
    pub(crate) fn lost(&self) -> u64 {
        self.reader.lost()
    }
}

/// Something that came of an input.
#[derive(Debug)]
pub(crate) struct Came {
    batch: Arc<Batch<TsChunk>>,
    pub(crate) restarted: bool,
    lost: u64,
}

impl Came {
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece> {
        let chunks = self.batch.iter().enumerate();
        chunks.map(|(index, chunk)| Piece {
            bytes: chunk.bytes.clone(),
            arrived: chunk.arrived,
            due: chunk.due,
            lost_before: u64::from(chunk.lost_before) + if index == 0 { self.lost } else { 0 },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use tidegate_engine::FeedWriter;

    struct Bench {
        feed: Feed,
        input: Input,
    }

    impl Bench {
        fn new() -> Self {
            let feeds = Feeds::default();
            let wake = Arc::new(tokio::sync::Notify::new());
            let input = Input::new("main", 0, &feeds, Triggers::default(), wake);
            let feed = feeds.get("main");
            feed.set_link(Link::Up);
            Self { feed, input }
        }

        fn write(writer: &mut FeedWriter<TsChunk>, packets: usize) {
            let bytes = Bytes::from(vec![0x47; packets * PACKET_BYTES]);
            writer.push(TsChunk::live(bytes, Instant::from_millis(1)));
            writer.seal();
        }

        fn came(&mut self) -> (bool, u64) {
            let came = self.input.next(true).expect("something came");
            (came.restarted, came.pieces().next().unwrap().lost_before)
        }
    }

    #[test]
    fn what_was_kept_from_the_program_is_missing_in_what_it_gets_next() {
        let mut bench = Bench::new();
        let mut writer = bench.feed.ts_writer();
        Bench::write(&mut writer, 7);
        assert_eq!(bench.came(), (true, 0));
        Bench::write(&mut writer, 7);
        Bench::write(&mut writer, 3);
        while bench.input.keep_from(true).is_some() {}
        Bench::write(&mut writer, 7);
        assert_eq!(bench.came(), (false, 10));
        Bench::write(&mut writer, 7);
        assert_eq!(bench.came(), (false, 0));
    }

    #[test]
    fn an_input_that_begins_anew_while_it_is_kept_from_the_program_does_so_for_it_later() {
        let mut bench = Bench::new();
        let mut writer = bench.feed.ts_writer();
        Bench::write(&mut writer, 7);
        assert_eq!(bench.came(), (true, 0));
        drop(writer);
        let mut writer = bench.feed.ts_writer();
        Bench::write(&mut writer, 7);
        Bench::write(&mut writer, 7);
        while bench.input.keep_from(true).is_some() {}
        Bench::write(&mut writer, 7);
        assert_eq!(bench.came(), (true, 14));
    }

    #[test]
    fn an_end_that_came_while_nobody_asked_is_said_when_somebody_does() {
        let mut bench = Bench::new();
        let mut writer = bench.feed.ts_writer();
        Bench::write(&mut writer, 7);
        bench.came();
        bench.feed.set_link(Link::Down);
        bench.input.look(Instant::from_millis(10));
        bench.input.look(Instant::from_millis(20));
        assert!(bench.input.has_just_ended());
        assert!(!bench.input.has_just_ended());
    }
}
