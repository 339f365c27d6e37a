use crate::address::Policy;
use crate::error::NetError;
use crate::place::Place;
use crate::reach::ADDRESSES_MAX;
use core::time::Duration;
use std::net::SocketAddr;
use tokio::net::lookup_host;
use tokio::time::timeout;

/// The addresses of a place that may be called, the best first; never none.
///
/// # Errors
/// When the name has no address within `patience`, or none that `policy` lets pass.
pub async fn look_up(
    place: &Place,
    policy: Policy,
    patience: Duration,
) -> Result<Vec<SocketAddr>, NetError> {
    let unknown = |why: String| {
        NetError::theirs(
            format!("the name {} leads nowhere: {why}", place.host()),
            "Check the url and this machine's name server",
        )
    };
    let found = timeout(patience, lookup_host((place.host(), place.port()))).await;
    let found = found
        .map_err(|_| {
            let seconds = patience.as_secs_f32();
            unknown(format!("the name server did not answer within {seconds} s"))
        })?
        .map_err(|error| unknown(error.to_string()))?;
    let (mut allowed, mut refused) = (Vec::new(), None);
    for address in found {
        match policy.refusal(address.ip()) {
            None => allowed.push(address),
            Some(why) => refused = Some((address.ip(), why)),
        }
    }
    if !allowed.is_empty() {
        return Ok(by_turns(&allowed));
    }
    Err(match refused {
        Some((address, why)) => {
            NetError::refused(format!("{place} is not called: {address} {why}"), why)
        }
        None => unknown("it has no address".to_owned()),
    })
}

/// Both families by turns (RFC 8305, section 4), so that one that leads nowhere costs little.
fn by_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let of = |first: bool| {
        let belongs = move |address: &&SocketAddr| (address.is_ipv6() == first_is_v6) == first;
        addresses.iter().filter(belongs).copied()
    };
    let (mut one, mut other) = (of(true), of(false));
    let mut ordered = Vec::with_capacity(addresses.len().min(ADDRESSES_MAX));
    while ordered.len() < ADDRESSES_MAX {
        let pair = [one.next(), other.next()];
        if pair == [None, None] {
            break;
        }
        ordered.extend(pair.into_iter().flatten());
    }
    ordered.truncate(ADDRESSES_MAX);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_the_order_within_each_stays() {
        let text = ["[2a00::1]:1", "[2a00::2]:1", "192.0.2.1:1", "[2a00::3]:1"];
        let addresses: Vec<SocketAddr> = text.iter().map(|it| it.parse().unwrap()).collect();
        let expected = [0, 2, 1, 3].map(|index| addresses[index]);
        assert_eq!(by_turns(&addresses), expected);
        assert_eq!(by_turns(&addresses.repeat(9)).len(), ADDRESSES_MAX);
    }

    #[tokio::test]
    async fn every_way_of_writing_loopback_is_refused_to_strangers() {
        for host in [
            "localhost",
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "::ffff:127.0.0.1",
        ] {
            let place = Place::new(host, 80, false).unwrap();
            let patience = Duration::from_secs(5);
            let error = look_up(&place, Policy::LED, patience).await.unwrap_err();
            assert!(error.message.contains("private network"), "{host}: {error}");
            assert!(look_up(&place, Policy::WRITTEN, patience).await.is_ok());
        }
    }
}
