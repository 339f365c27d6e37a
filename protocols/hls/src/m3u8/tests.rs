use super::*;
use core::time::Duration;

fn media(text: &str) -> Result<MediaPlaylist, PlaylistError> {
    match Playlist::read(text.as_bytes())? {
        Playlist::Media(media) => Ok(media),
        Playlist::Multivariant(_) => panic!("a media playlist was expected"),
    }
}

const LIVE: &str = "#EXTM3U\r\n#EXT-X-VERSION:6\r\n#EXT-X-TARGETDURATION:4\r\n\
    #EXT-X-MEDIA-SEQUENCE:7\r\n#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"800@0\"\r\n\
    #EXTINF:3.96,title, with comma\r\nseg7.m4s?x=1\r\n#EXT-X-DISCONTINUITY\r\n\
    #EXT-X-KEY:METHOD=AES-128,URI=\"key\",IV=0x0000000000000000000000000000000a\r\n\
    #EXTINF:4\r\n#EXT-X-BYTERANGE:100@50\r\nall.m4s\r\n\
    #EXT-X-GAP\r\n#EXTINF:4.0,\r\n#EXT-X-BYTERANGE:70\r\nall.m4s\r\n";

#[test]
fn a_live_playlist_is_read_with_ranges_keys_and_sections() {
    let read = media(LIVE).unwrap();
    assert_eq!((read.target, read.ended), (Duration::from_secs(4), false));
    let [first, second, third] = &read.segments[..] else {
        panic!("three segments: {read:?}");
    };
    assert_eq!((first.sequence, &*first.uri), (7, "seg7.m4s?x=1"));
    assert_eq!(first.duration, Duration::from_millis(3960));
    let whole = ByteRange {
        first: 0,
        count: 800,
    };
    assert_eq!(first.map.as_ref().unwrap().range, Some(whole));
    assert!(first.key.is_none() && !first.discontinuity);
    assert!(second.discontinuity && !third.discontinuity && third.gap);
    assert_eq!(second.key.as_ref().unwrap().iv.unwrap()[15], 10);
    let behind = ByteRange {
        first: 150,
        count: 70,
    };
    assert_eq!(third.range, Some(behind));
    assert!(media(&format!("{LIVE}#EXT-X-ENDLIST\n")).unwrap().ended);
    assert!(!read.whole);
    let whole = format!("{LIVE}#EXT-X-PLAYLIST-TYPE:VOD\n");
    assert!(media(&whole).unwrap().whole);
}

#[test]
fn an_initialisation_section_is_encrypted_by_the_key_in_front_of_it() {
    let with = |before: &str, after: &str| {
        let text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n{before}#EXT-X-MAP:URI=\"i\"\n{after}#EXTINF:1,\na\n"
        );
        let segment = media(&text).unwrap().segments.remove(0);
        (segment.map.unwrap().key.is_some(), segment.key.is_some())
    };
    let key = "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n";
    assert_eq!(with(key, ""), (true, true));
    assert_eq!(with("", key), (false, true));
}

#[test]
fn a_playlist_that_is_cut_or_wrong_is_refused_and_says_where() {
    let with = |line: &str| format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{line}\n");
    for (text, error) in [
        (String::new(), PlaylistError::NoPlaylist),
        ("<html>".to_owned(), PlaylistError::NoPlaylist),
        (
            "#EXTM3U\n#EXTINF:1,\na.ts\n".to_owned(),
            PlaylistError::NoTarget,
        ),
        (with("a.ts"), PlaylistError::Line(3, "EXTINF")),
        (with("#EXTINF:x,"), PlaylistError::Line(3, "duration")),
        (with("#EXTINF:-1,"), PlaylistError::Line(3, "duration")),
        (with("#EXTINF:nan,"), PlaylistError::Line(3, "duration")),
        (with("#EXTINF:1e9,"), PlaylistError::Line(3, "duration")),
        (
            with("#EXT-X-BYTERANGE:9999999999999999999999"),
            PlaylistError::Line(3, "byte range"),
        ),
        (
            with("#EXT-X-BYTERANGE:18446744073709551615@9"),
            PlaylistError::Line(3, "byte range"),
        ),
        (
            with("#EXT-X-BYTERANGE:9\n#EXTINF:1,\na.ts"),
            PlaylistError::Line(5, "byte range before it"),
        ),
        (
            with("#EXT-X-MAP:BYTERANGE=\"1@2\""),
            PlaylistError::Line(3, "URI"),
        ),
        (
            with("#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0xzz"),
            PlaylistError::Line(3, "IV"),
        ),
        (
            with("#EXTINF:1,\na\n#EXT-X-MEDIA-SEQUENCE:5\n#EXTINF:1,\nb"),
            PlaylistError::Line(5, "number"),
        ),
        (
            with("#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n#EXTINF:1,\na\n#EXTINF:1,\nb"),
            PlaylistError::Line(7, "sequence number"),
        ),
    ] {
        assert_eq!(media(&text), Err(error), "{text}");
    }
    let bytes = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n\xff.ts\n";
    assert_eq!(Playlist::read(bytes), Err(PlaylistError::NoText));
}

#[test]
fn a_playlist_without_end_is_refused() {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
    text.push_str(&"#EXTINF:1,\na.ts\n".repeat(SEGMENTS_MAX));
    assert_eq!(media(&text).unwrap().segments.len(), SEGMENTS_MAX);
    text.push_str("#EXTINF:1,\na.ts\n");
    assert_eq!(media(&text), Err(PlaylistError::TooLong("segments")));
    let long = vec![b'#'; PLAYLIST_BYTES_MAX + 1];
    assert_eq!(Playlist::read(&long), Err(PlaylistError::TooLong("bytes")));
}

#[test]
fn the_best_variant_that_fits_is_chosen_with_the_sound_that_goes_with_it() {
    let text = "#EXTM3U\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"de\",URI=\"de.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"en\",DEFAULT=YES,URI=\"en.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"a\",NAME=\"st\",DEFAULT=YES,URI=\"st.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360\nlow.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=5000000,CODECS=\"avc1.4d,mp4a\",AUDIO=\"a\"\nhigh.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=5000000\nspare.m3u8\n\
        #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9000000,URI=\"i.m3u8\"\n";
    let Ok(Playlist::Multivariant(read)) = Playlist::read(text.as_bytes()) else {
        panic!("a multivariant playlist");
    };
    let high = read.best(None).unwrap();
    assert_eq!((&*high.uri, high.bandwidth_bps), ("high.m3u8", 5_000_000));
    assert_eq!(read.audio_of(high).unwrap().name, "en");
    let low = read.best(Some(4_999_999)).unwrap();
    assert_eq!((&*low.uri, low.resolution), ("low.m3u8", Some((640, 360))));
    assert_eq!(read.audio_of(low), None);
    assert_eq!(read.best(Some(1)).unwrap().uri, "low.m3u8");
    let endless = "x".repeat(URI_CHARS_MAX + 1);
    let text = format!("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"{endless}\"\na.m3u8\n");
    let Ok(Playlist::Multivariant(read)) = Playlist::read(text.as_bytes()) else {
        panic!("a multivariant playlist");
    };
    assert_eq!(read.variants[0].codecs, None);
}
