//! A source's status in words, for a terminal.

use tidegate_engine::{AudioStatus, Health, SourceStatus, VideoStatus};

/// What was found, one thing per line.
pub(super) fn text(uri: &str, status: &SourceStatus) -> String {
    let mut lines = vec![
        line("Feed", without_query(uri)),
        line("Verdict", &verdict(status)),
    ];
    for reason in &status.reasons {
        lines.push(line("", &format!("{}. {}", reason.text, reason.advice)));
    }
    if let Some(media) = &status.media {
        if let Some(video) = &media.video {
            lines.push(line("Video", &video_line(video)));
        }
        lines.extend(
            media
                .audio
                .iter()
                .map(|audio| line("Audio", &audio_line(audio))),
        );
        for program in &media.programs {
            let pids: Vec<String> = program.pids.iter().map(ToString::to_string).collect();
            let what = format!("{}, PIDs {}", program.number, pids.join(" "));
            lines.push(line("Program", &what));
        }
        let (errors, syncs) = (media.continuity_errors, media.sync_losses);
        lines.push(line(
            "Errors",
            &format!("{errors} continuity, {syncs} sync"),
        ));
    }
    lines.push(line("Bitrate", &bitrate(status.bitrate_bps)));
    if let Some(srt) = status.details.get("srt") {
        let figure = |field: &str| {
            let known = srt.get(field).filter(|value| !value.is_null());
            known.map_or("–".to_owned(), ToString::to_string)
        };
        let what = format!(
            "RTT {} ms, latency {} ms, lost {}, dropped {}",
            figure("rtt_ms"),
            figure("latency_ms"),
            figure("packets_lost"),
            figure("packets_dropped")
        );
        lines.push(line("SRT", &what));
    }
    lines.join("\n")
}

fn line(head: &str, text: &str) -> String {
    format!("{head:<9}{text}")
}

/// The query of an SRT address holds its passphrase.
fn without_query(uri: &str) -> &str {
    if uri.contains("://") {
        uri.split('?').next().unwrap_or_default()
    } else {
        uri
    }
}

fn verdict(status: &SourceStatus) -> String {
    match (status.media.is_some(), status.health) {
        (false, _) => {
            let why = status
                .last_error
                .as_deref()
                .or(status.connection_reason.as_deref());
            format!("no feed: {}", why.unwrap_or("nothing arrived"))
        }
        (true, Health::Ok) => "healthy".into(),
        (true, Health::Warning) => "works, will not last".into(),
        (true, Health::Error) => "viewers would notice".into(),
    }
}

fn video_line(video: &VideoStatus) -> String {
    let mut words = vec![video.codec.to_owned()];
    words.extend(video.profile.as_ref().map(|profile| format!("({profile})")));
    if let (Some(width), Some(height)) = (video.width, video.height) {
        words.push(format!(
            "{width}x{height}{}",
            if video.interlaced { "i" } else { "" }
        ));
    }
    words.extend(video.fps.map(|fps| format!("{fps:.3} fps")));
    words.extend(
        video
            .gop_seconds
            .map(|gop| format!("key frame every {gop:.2} s")),
    );
    words.push(bitrate(video.bitrate_bps));
    words.join(" ")
}

fn audio_line(audio: &AudioStatus) -> String {
    let mut words = vec![audio.codec.to_owned()];
    words.extend(
        audio
            .channels
            .map(|channels| format!("{channels} channels")),
    );
    words.extend(audio.sample_rate.map(|rate| format!("{rate} Hz")));
    words.extend(audio.language.clone());
    words.push(bitrate(audio.bitrate_bps));
    words.join(" ")
}

fn bitrate(bps: u64) -> String {
    let (millions, thousands) = (bps / 1_000_000, bps % 1_000_000 / 10_000);
    format!("{millions}.{thousands:02} Mbit/s")
}
