mod handover;
mod losses;
mod strangers;
mod stream;
