use std::io;

use crate::sys;

/// A tenth of the usual share of a processor that others want as well.
const NICENESS: i32 = 10;

/// Makes the calling thread give way to the media threads when processors are scarce: for
/// work that strangers can cause, such as key derivation.
///
/// # Errors
/// What the kernel answered.
pub fn give_way() -> io::Result<()> {
    sys::set_niceness(NICENESS)
}

/// The kernel's own slack is 50 µs.
const PRECISE_SLACK_NANOS: u64 = 1;

/// Makes the calling thread's waits end when they should, instead of up to 50 µs later: for
/// threads that send datagrams in their time.
///
/// # Errors
/// What the kernel answered.
pub fn wake_precisely() -> io::Result<()> {
    sys::set_timer_slack(PRECISE_SLACK_NANOS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field 19 of a thread's `stat`, counted behind the name in parentheses.
    fn niceness() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields = stat.rsplit(')').next().unwrap();
        fields.split_whitespace().nth(16).unwrap().parse().unwrap()
    }

    #[test]
    fn only_the_calling_thread_gives_way() {
        let before = niceness();
        let within = std::thread::spawn(|| {
            give_way().unwrap();
            niceness()
        });
        assert_eq!(within.join().unwrap(), NICENESS.max(before));
        assert_eq!(niceness(), before);
    }
}
