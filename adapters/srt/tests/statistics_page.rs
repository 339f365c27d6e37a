//! The page about statistics names every figure there is.
#![allow(clippy::unwrap_used, reason = "a failed expectation ends the test")]

use tidegate_adapter_srt::{Counters, Described, Gauges};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/srt/statistics.md");
const END: &str = "<!-- end -->";

fn table(list: &[Described]) -> String {
    let mut table = "| name | libsrt | meaning |\n|---|---|---|\n".to_owned();
    for one in list {
        let libsrt = match one.libsrt {
            "" => String::new(),
            name => format!("`{name}` "),
        };
        table += &format!("| `{}` | {libsrt}| {} |\n", one.name, one.meaning());
    }
    table
}

/// The page with the table behind `mark` replaced.
fn with_table(page: &str, mark: &str, list: &[Described]) -> String {
    let (before, behind) = page.split_once(mark).unwrap();
    let (_, after) = behind.split_once(END).unwrap();
    format!("{before}{mark}\n{}{END}{after}", table(list))
}

#[test]
fn the_page_has_every_figure_with_its_meaning() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let right = with_table(&page, "<!-- counters -->", Counters::ALL);
    let right = with_table(&right, "<!-- gauges -->", Gauges::ALL);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(PAGE, right).unwrap();
    }
    assert!(
        page == right,
        "docs/srt/statistics.md is out of date: run this test with UPDATE_DOCS=1"
    );
}

/// srt.h's `CBytePerfMon`, without what is only the same figure in another span of time.
const LIBSRT: &str = "pktSent pktRecv pktSndLoss pktRcvLoss pktRetrans pktSentACK pktRecvACK \
    pktSentNAK pktRecvNAK usSndDuration pktSndDrop pktRcvDrop pktRcvUndecrypt byteSent byteRecv \
    byteRcvLoss byteRetrans byteSndDrop byteRcvDrop byteRcvUndecrypt pktSndFilterExtra \
    pktRcvFilterExtra pktRcvFilterSupply pktRcvFilterLoss pktSentUnique pktRecvUnique \
    byteSentUnique byteRecvUnique msTimeStamp pktRcvRetrans mbpsSendRate mbpsRecvRate \
    pktReorderDistance pktRcvAvgBelatedTime pktRcvBelated pktReorderTolerance usPktSndPeriod \
    pktFlowWindow pktCongestionWindow pktFlightSize msRTT mbpsBandwidth byteAvailSndBuf \
    byteAvailRcvBuf mbpsMaxBW byteMSS pktSndBuf byteSndBuf msSndBuf msSndTsbPdDelay pktRcvBuf \
    byteRcvBuf msRcvBuf msRcvTsbPdDelay";

#[test]
fn nothing_of_libsrts_list_is_missing() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    for name in LIBSRT.split_whitespace() {
        assert!(page.contains(&format!("| `{name}` |")), "{name} is missing");
    }
}
