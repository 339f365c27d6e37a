//! Headers of video and audio codecs, as far as a gateway must read them.
