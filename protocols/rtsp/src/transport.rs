//! How a client wants its media (RFC 2326, section 12.39).

use core::fmt;

/// Ways a client may offer in one header.
const OFFERS_MAX: usize = 8;

/// What media travel in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lower {
    /// On the RTSP connection, under these numbers: media, reports.
    Interleaved(u8, u8),
    /// In datagrams to these ports of the client: media, reports.
    Datagrams(u16, u16),
}

/// One way that we can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What media travel in.
    pub lower: Lower,
}

/// The first way of a header that we can go. `next_channel` is the number for clients that
/// leave it to us.
pub(crate) fn choose(header: &str, next_channel: u8) -> Option<Offer> {
    let mut offers = header.split(',').take(OFFERS_MAX);
    offers.find_map(|offer| understand(offer, next_channel))
}

fn understand(offer: &str, next_channel: u8) -> Option<Offer> {
    let mut parts = offer.split(';').map(str::trim);
    let profile = parts.next()?;
    let is_tcp = match profile.to_ascii_uppercase().as_str() {
        "RTP/AVP" | "RTP/AVP/UDP" => false,
        "RTP/AVP/TCP" => true,
        _ => return None,
    };
    let mut pair = None;
    let wanted = if is_tcp { "interleaved" } else { "client_port" };
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim_matches('"');
        if name.eq_ignore_ascii_case("multicast") {
            return None;
        }
        if name.eq_ignore_ascii_case("mode") && !value.eq_ignore_ascii_case("play") {
            return None;
        }
        if name.eq_ignore_ascii_case(wanted) {
            pair = Some(numbers(value)?);
        }
    }
    let lower = if is_tcp {
        let (media, reports) = match pair {
            Some((media, reports)) => (media, reports),
            None => (next_channel.into(), u16::from(next_channel) + 1),
        };
        let (media, reports) = (u8::try_from(media).ok()?, u8::try_from(reports).ok()?);
        (media != reports).then_some(Lower::Interleaved(media, reports))?
    } else {
        let (media, reports) = pair?;
        let are_ports = media != 0 && reports != 0 && media != reports;
        are_ports.then_some(Lower::Datagrams(media, reports))?
    };
    Some(Offer { lower })
}

/// `4588-4589`, or the first alone.
fn numbers(text: &str) -> Option<(u16, u16)> {
    let (first, second) = text.split_once('-').unwrap_or((text, ""));
    let first: u16 = first.trim().parse().ok()?;
    let second = match second.trim() {
        "" => first.checked_add(1)?,
        second => second.parse().ok()?,
    };
    Some((first, second))
}

/// How our answer writes it.
pub(crate) struct Agreed {
    pub(crate) lower: Lower,
    pub(crate) server_ports: Option<(u16, u16)>,
    pub(crate) ssrc: u32,
}

impl fmt::Display for Agreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lower {
            Lower::Interleaved(media, reports) => {
                write!(f, "RTP/AVP/TCP;unicast;interleaved={media}-{reports}")?;
            }
            Lower::Datagrams(media, reports) => {
                write!(f, "RTP/AVP;unicast;client_port={media}-{reports}")?;
            }
        }
        if let Some((media, reports)) = self.server_ports {
            write!(f, ";server_port={media}-{reports}")?;
        }
        write!(f, ";ssrc={:08X};mode=\"PLAY\"", self.ssrc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lower(header: &str) -> Option<Lower> {
        choose(header, 4).map(|offer| offer.lower)
    }

    #[test]
    fn what_real_clients_ask_for() {
        // ffmpeg 5.1, over UDP and TCP; GStreamer 1.22; live555 in VLC 3
        let ffmpeg_udp = "RTP/AVP/UDP;unicast;client_port=25634-25635";
        assert_eq!(lower(ffmpeg_udp), Some(Lower::Datagrams(25_634, 25_635)));
        let ffmpeg_tcp = "RTP/AVP/TCP;unicast;interleaved=0-1";
        assert_eq!(lower(ffmpeg_tcp), Some(Lower::Interleaved(0, 1)));
        let gstreamer =
            "RTP/AVP;unicast;client_port=37000-37001,RTP/AVP/TCP;unicast;interleaved=2-3";
        assert_eq!(lower(gstreamer), Some(Lower::Datagrams(37_000, 37_001)));
        let live555 = "RTP/AVP;unicast;client_port=50006-50007";
        assert_eq!(lower(live555), Some(Lower::Datagrams(50_006, 50_007)));
    }

    #[test]
    fn the_first_way_that_we_can_go_is_taken() {
        let header = "RTP/SAVP;unicast;client_port=2-3,RTP/AVP;multicast,RTP/AVP/TCP;unicast";
        assert_eq!(lower(header), Some(Lower::Interleaved(4, 5)));
    }

    #[test]
    fn ways_that_lead_nowhere_are_not_taken() {
        for header in [
            "",
            "RTP/AVP;unicast",
            "RTP/AVP;unicast;client_port=0-1",
            "RTP/AVP;unicast;client_port=x",
            "RTP/AVP;unicast;client_port=65535",
            "RTP/AVP;unicast;client_port=7-7",
            "RTP/AVP/TCP;unicast;interleaved=255",
            "RTP/AVP/TCP;unicast;interleaved=0-1;mode=\"RECORD\"",
            "RAW/RAW/UDP;unicast;client_port=5-6",
        ] {
            assert_eq!(lower(header), None, "{header}");
        }
    }
}
