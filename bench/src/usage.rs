//! What processes have used, from `/proc`.

use anyhow::Context as _;
use std::time::Duration;

/// CPU time and memory of some processes together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    pub(crate) resident_bytes: u64,
    pub(crate) threads: u64,
}

/// What the processes with these ids have used until now.
pub(crate) fn of(ids: &[u32]) -> anyhow::Result<Usage> {
    let mut sum = Usage::default();
    for id in ids {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))
            .with_context(|| format!("the server (process {id}) is gone"))?;
        // The command's name may hold spaces; everything behind its bracket does not.
        let fields: Vec<&str> = stat
            .rsplit_once(')')
            .map(|(_, rest)| rest.split_whitespace().collect())
            .unwrap_or_default();
        let number = |index: usize| {
            fields
                .get(index)
                .and_then(|field| field.parse::<u64>().ok())
                .unwrap_or(0)
        };
        sum.cpu += ticks(number(11) + number(12));
        sum.threads += number(17);
        sum.resident_bytes += number(21) * page_bytes();
    }
    Ok(sum)
}

/// CPU time that this very process has used until now.
pub(crate) fn own_cpu() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: clock_gettime(2) writes one timespec, which is ours.
    #[expect(unsafe_code, reason = "the standard library does not tell CPU time")]
    unsafe {
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time);
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn system(name: libc::c_int) -> u64 {
    // SAFETY: sysconf(3) takes one integer and touches no memory of ours.
    #[expect(
        unsafe_code,
        reason = "the standard library does not tell clock ticks or page size"
    )]
    let value = unsafe { libc::sysconf(name) };
    u64::try_from(value).unwrap_or(1)
}

fn ticks(count: u64) -> Duration {
    Duration::from_secs_f64(count as f64 / system(libc::_SC_CLK_TCK) as f64)
}

fn page_bytes() -> u64 {
    system(libc::_SC_PAGESIZE)
}
