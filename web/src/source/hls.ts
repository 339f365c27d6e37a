/** Plays an HLS address in a video element: by hls.js where it runs, natively only where it cannot. */
import type { ErrorData } from 'hls.js';

export interface Watch {
  /** Why no picture comes, in words. */
  trouble: (text: string) => void;
  /** Called as long as the picture moves, with how far behind live it is where that is known. */
  moved: (secondsBehind: number | null) => void;
}

const LOOK_MS = 500;
const RETRY_MS = 2000;

/** Returns what stops it. */
export function playHls(video: HTMLVideoElement, url: string, watch: Watch): () => void {
  let stopped = false;
  let stopPlayer = () => {};
  let latency: () => number | null = () => null;
  let last = -1;

  const look = setInterval(() => {
    if (video.currentTime !== last && video.readyState >= 2) watch.moved(latency());
    last = video.currentTime;
  }, LOOK_MS);

  void import('hls.js/light').then(
    ({ default: Hls }) => {
      if (stopped) return;
      if (!Hls.isSupported()) return playNatively();
      // No worker: it would be started from a blob, which a strict policy forbids. fMP4 needs none.
      const hls = new Hls({
        enableWorker: false,
        liveSyncDurationCount: 2,
        manifestLoadPolicy: { default: policy() },
        xhrSetup: (request: XMLHttpRequest) => void (request.withCredentials = true),
      });
      const retry = () => setTimeout(() => !stopped && hls.loadSource(url), RETRY_MS);
      hls.on(Hls.Events.ERROR, (_name: string, data: ErrorData) => {
        if (!data.fatal) return;
        watch.trouble(words(data));
        if (data.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
        else retry();
      });
      hls.on(Hls.Events.MANIFEST_PARSED, () => void video.play().catch(() => undefined));
      latency = () => (Number.isFinite(hls.latency) && hls.latency > 0 ? hls.latency : null);
      hls.loadSource(url);
      hls.attachMedia(video);
      stopPlayer = () => hls.destroy();
    },
    () => watch.trouble('The player could not be loaded. Reload the page.'),
  );

  function playNatively(): void {
    if (!video.canPlayType('application/vnd.apple.mpegurl')) {
      watch.trouble('This browser plays no HLS. Use another, or watch with VLC.');
      return;
    }
    video.src = url;
    void video.play().catch(() => undefined);
    stopPlayer = () => video.removeAttribute('src');
  }

  return () => {
    stopped = true;
    clearInterval(look);
    stopPlayer();
  };
}

function policy() {
  return { maxTimeToFirstByteMs: 8000, maxLoadTimeMs: 10_000, timeoutRetry: null, errorRetry: null };
}

function words(data: ErrorData): string {
  const code = data.response?.code;
  if (code === 401 || code === 403) return 'Watching is not allowed. Log in again.';
  if (code === 404 || code === 503) return 'No segments yet. The picture starts with the next keyframe.';
  if (data.details === 'manifestIncompatibleCodecsError' || data.details === 'bufferAddCodecError')
    return 'This browser cannot decode this codec. Watch with VLC or another browser.';
  return data.type === 'networkError' ? 'The picture does not arrive. Trying again.' : 'The picture could not be decoded. Trying again.';
}
