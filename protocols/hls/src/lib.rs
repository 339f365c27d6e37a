//! HLS playlists and segmenting.
