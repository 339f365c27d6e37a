//! Reaches one of the addresses that a name has.
//!
//! ```text
//! first ──────────────── no answer ─ ─ ─ ─ ─ ─▶
//!        └─ 250 ms ─▶ second ── refused
//!                              └─ at once ─▶ third ── reached: the others are given up
//! ```

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

/// Addresses of one name that are tried.
pub const ADDRESSES_MAX: usize = 8;
/// How long one is tried alone before the next is tried beside it, as in RFC 8305.
const ALONE: Duration = Duration::from_millis(250);

/// What the first of `addresses` gives that can be reached, in their order. One from which
/// nothing comes uses up none of the others' time; when none can be reached, the first says why.
pub(crate) async fn first<T, F>(
    addresses: &[SocketAddr],
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T, (SocketAddr, io::Error)>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut left = addresses.iter().copied();
    let mut attempts = JoinSet::new();
    let mut failed = None;
    loop {
        if let Some(address) = left.next() {
            let attempt = connect(address);
            attempts.spawn(async move { attempt.await.map_err(|error| (address, error)) });
        }
        let next = attempts.join_next();
        let done = if left.len() == 0 {
            next.await
        } else {
            match timeout(ALONE, next).await {
                Ok(done) => done,
                Err(_) => continue,
            }
        };
        match done {
            Some(Ok(Ok(reached))) => return Ok(reached),
            Some(Ok(Err(error))) => drop(failed.get_or_insert(error)),
            Some(Err(_)) => {}
            None => return Err(failed.unwrap_or_else(nobody)),
        }
    }
}

/// What is said when not even an attempt came to an end.
fn nobody() -> (SocketAddr, io::Error) {
    let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
    (nowhere, io::Error::other("no attempt came to an end"))
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    fn addresses(count: u8) -> Vec<SocketAddr> {
        let address = |last| SocketAddr::from(([192, 0, 2, last], 80));
        (1..=count).map(address).collect()
    }

    /// The first is a black hole, the second refuses, from the third on they answer.
    async fn connect(to: SocketAddr) -> io::Result<SocketAddr> {
        match to.to_string().as_str() {
            "192.0.2.1:80" => std::future::pending().await,
            "192.0.2.2:80" => Err(ErrorKind::ConnectionRefused.into()),
            _ => Ok(to),
        }
    }

    #[tokio::test]
    async fn a_black_hole_and_a_refusal_do_not_keep_it_from_the_third() {
        let all = addresses(4);
        assert_eq!(first(&all, connect).await.unwrap(), all[2]);
    }

    #[tokio::test]
    async fn the_first_that_answers_is_the_only_one_asked() {
        let all = addresses(4);
        let asked = std::sync::Mutex::new(Vec::new());
        let reached = first(&all[2..], |to| {
            asked.lock().unwrap().push(to);
            connect(to)
        });
        assert_eq!(reached.await.unwrap(), all[2]);
        assert_eq!(*asked.lock().unwrap(), [all[2]]);
    }

    #[tokio::test]
    async fn when_all_refuse_the_first_says_why() {
        let refuse = |_| async { io::Result::<()>::Err(ErrorKind::ConnectionRefused.into()) };
        let (address, error) = first(&addresses(3), refuse).await.unwrap_err();
        assert_eq!(address, addresses(1)[0]);
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn a_black_hole_alone_is_waited_for_as_long_as_the_caller_has_time() {
        let patience = ALONE * 2;
        let waited = timeout(patience, first(&addresses(1), connect)).await;
        assert!(waited.is_err());
    }
}
