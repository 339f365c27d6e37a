// What runs in the page: the player, and a pair of eyes. It must not use anything from outside itself.
export function watch({ url, token }) {
  const LOOK_MS = 50;
  const LONGEST_STEP_S = 0.3; // a playhead that goes further than time does has been moved
  const COLOURS = { red: [255, 0, 0], green: [0, 128, 0], blue: [0, 0, 255] };

  const video = document.querySelector('video');
  const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });
  const seen = { errors: [], waits: [], jumps: [], colours: [], sizes: [], stillMs: 0, ranges: 0, edge: 0 };
  const hls = new Hls({ xhrSetup: (request) => request.setRequestHeader('authorization', `Bearer ${token}`) });
  let last = null; // where the playhead was when it last moved, and when that was
  let waitingSince = null;
  const at = () => Number(video.currentTime.toFixed(3));
  const playing = () => last !== null;

  hls.on(Hls.Events.ERROR, (_name, data) => {
    const { details, fatal, buffer, bufferInfo, reason, response } = data;
    seen.errors.push({ at: at(), details, fatal, buffer: buffer ?? bufferInfo?.len, why: reason ?? data.error?.message ?? response?.code });
  });
  hls.on(Hls.Events.LEVEL_UPDATED, (_name, { details }) => { seen.edge = details.edge; });
  video.addEventListener('error', () => seen.errors.push({ at: at(), details: `video: ${video.error?.message}`, fatal: true }));
  video.addEventListener('resize', () => seen.sizes.push(`${video.videoWidth}x${video.videoHeight}`));
  video.addEventListener('waiting', () => { if (playing()) waitingSince ??= performance.now(); });
  video.addEventListener('seeking', () => { if (playing()) seen.jumps.push({ at: at(), by: 'a seek' }); });

  function look() {
    const now = performance.now();
    const time = video.currentTime;
    if (video.readyState < 2 || (!playing() && time === 0)) return;
    if (!playing() || time !== last.time) {
      if (playing()) {
        const leap = time - last.time - (now - last.now) / 1000;
        if (leap > LONGEST_STEP_S || time < last.time) seen.jumps.push({ at: at(), by: leap });
      }
      if (waitingSince !== null) seen.waits.push({ at: at(), ms: Math.round(now - waitingSince) });
      waitingSince = null;
      last = { time, now };
    } else {
      seen.stillMs = Math.max(seen.stillMs, Math.round(now - last.now));
    }
    seen.ranges = Math.max(seen.ranges, video.buffered.length);
    note(colour());
  }

  // Of the picture's left half, which publishers paint in a colour of their own.
  function colour() {
    context.drawImage(video, video.videoWidth / 8, video.videoHeight / 4, video.videoWidth / 4, video.videoHeight / 2, 0, 0, 1, 1);
    const pixel = context.getImageData(0, 0, 1, 1).data;
    const distance = ([, rgb]) => rgb.reduce((sum, value, index) => sum + Math.abs(value - pixel[index]), 0);
    const nearest = Object.entries(COLOURS).sort((a, b) => distance(a) - distance(b))[0];
    return distance(nearest) < 90 ? nearest[0] : `another (${pixel.join()})`;
  }

  function note(name) {
    if (seen.colours.at(-1) !== name) seen.colours.push(name);
  }

  window.report = () => {
    const quality = video.getVideoPlaybackQuality();
    return {
      ...seen, time: at(), waiting: waitingSince !== null, latency: hls.latency, audio: video.webkitAudioDecodedByteCount,
      pictures: quality.totalVideoFrames, dropped: quality.droppedVideoFrames, corrupted: quality.corruptedVideoFrames,
    };
  };
  hls.on(Hls.Events.MANIFEST_PARSED, () => void video.play());
  hls.loadSource(url);
  hls.attachMedia(video);
  setInterval(look, LOOK_MS);
}
