//! What platforms are known.

use crate::{STATION, tidegate};

#[test]
fn the_platforms_are_listed_with_their_limits_and_the_day_they_were_verified() {
    let tidegate = tidegate(STATION);
    let list = tidegate.http().get("/api/v1/platforms").json();
    let list = list.as_array().expect("a list");
    let find = |id: &str| list.iter().find(|platform| platform["id"] == id);
    let youtube = find("youtube").expect("YouTube");
    assert_eq!(youtube["url"], "rtmps://a.rtmps.youtube.com:443/live2");
    assert_eq!(youtube["limits"]["video_kbps"], 51_000);
    assert!(youtube["verified"].is_string());
    let tiktok = find("tiktok").expect("TikTok");
    assert_eq!(tiktok["paste_url"], true);
    assert_eq!(tiktok["key"], "session");
    assert!(tiktok["verified"].is_null());
}
