mod alone;
mod clocks;
mod handover;
mod losses;
mod strangers;
mod stream;
