use tidegate_codecs::Kind;
use tidegate_units::{Duration, Instant};

use super::pid::{Content, PidState};
use super::{Core, Inspector};
use crate::packet::PAT_PID;
use crate::tr101290::{Pulse, Recurring, StreamPulse, Tally, Tr101290};

pub(super) fn pulse(inspector: &Inspector) -> Pulse {
    let core = &inspector.core;
    let mut pulse = Pulse {
        flow: core.flow.now(),
        packets: core.packets,
        null_packets: core.null_packets,
        last_packet: (core.packets > 0).then_some(core.last_flow),
        continuity_errors: core.continuity_errors(),
        sync_losses: inspector.slicer.grid_losses(),
        pat: core.recurring(PAT_PID),
        ..Pulse::default()
    };
    let Some((program, map)) = core.tables.programs().next() else {
        return pulse;
    };
    pulse.pmt = core.recurring(program.pmt_pid);
    if map.is_none() {
        // Others are on its PID.
        pulse.pmt.last = None;
    }
    for stream in map.iter().flat_map(|map| &map.streams) {
        let state = core.state(stream.pid);
        if let Some(state) = state.filter(|state| state.codec().kind() != Kind::Data) {
            add(&mut pulse, state);
        }
    }
    pulse
}

fn add(pulse: &mut Pulse, state: &PidState) {
    let (last_unit, units) = match &state.content {
        Content::Video(video) => {
            if pulse.last_key.is_none() {
                pulse.last_key = video.last_key();
                pulse.group = video.group().map(|(seconds, _)| group(seconds));
            }
            (video.last_unit, video.units)
        }
        Content::Audio(audio) => (audio.last_unit, audio.units),
        Content::Table(_) | Content::Other => return,
    };
    pulse.scrambled |= state.scrambled();
    pulse.add(StreamPulse {
        pid: state.pid,
        codec: state.codec(),
        named: state.named,
        last_packet: state.last().map(|last| last.flow),
        last_unit,
        last_progress: units.last_progress(),
        usual: units.usual(),
        scrambled: state.scrambled(),
    });
}

fn group(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

pub(super) fn tr101290(inspector: &Inspector) -> Tr101290 {
    let core = &inspector.core;
    let mut report = core.counted;
    report.sync_loss = counted(inspector.slicer.grid_losses(), core.sync_lost);
    report.sync_byte = counted(inspector.slicer.sync_losses(), core.sync_lost);
    report.transport.count = core.transport_errors;
    for clock in &core.clocks {
        report.pcr_repetition.merge(clock.late);
        report.pcr_discontinuity.merge(clock.jumps);
    }
    for state in &core.pids {
        report.continuity.merge(state.gaps);
        report.pts.merge(state.late_times());
    }
    report
}

fn counted(count: u64, last: Option<Instant>) -> Tally {
    Tally {
        count,
        last: last.filter(|_| count > 0),
    }
}

impl Core {
    fn recurring(&self, pid: u16) -> Recurring {
        let state = self.state(pid).map(|state| &state.content);
        let Some(Content::Table(recurrence)) = state else {
            return Recurring::default();
        };
        Recurring {
            last: recurrence.last(),
            usual: recurrence.usual(),
        }
    }

    pub(super) fn continuity_errors(&self) -> u64 {
        let counted = self.pids.iter().map(|state| state.gaps.count);
        self.counted.continuity.count + counted.sum::<u64>()
    }
}
