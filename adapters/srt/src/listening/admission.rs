//! Who may come in.
//!
//! ```text
//! request ─▶ stream ID known? address and direction fit? ─▶ passphrase opens the keys?
//!                 │ no                                         │ no        │ yes
//!                 └────── the same derivation all the same ────┴─▶ refused │
//!                                                                          ▼
//!                             door (source: takeover? output: room?) ◀─ webhook? room?
//! ```
//!
//! A caller with keys costs one derivation whatever it asks for, and one without costs none,
//! so that neither the answer nor its time tells which streams exist.

use std::sync::Arc;

use tidegate_engine::{Cidr, Secret};
use tidegate_srt::{
    AccessMode, ConnectionRequest, KeyError, KeyMaterial, RejectReason, RequestedEncryption,
    SessionKeys,
};
use tidegate_srt_io::{Admission, AdmissionReply};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::candidate::Rejected;
use super::{Caller, Candidate, Entry, Listening, Refusal, conditions, filter};
use crate::settings::ListenerSettings;

/// Tried on the keys of callers that are turned away anyway, for the time it takes.
const NOBODYS_PASSPHRASE: &str = "no stream has this passphrase";

impl Admission for Listening {
    fn admit(&self, request: ConnectionRequest, reply: AdmissionReply) {
        if self.house.banned.load().contains(request.peer.ip()) {
            return;
        }
        let table = self.table.load_full();
        let settings = self.settings.load_full();
        let found = table.find(&request.stream_id).cloned();
        let rivals = found
            .as_ref()
            .map(|entry| table.rivals(entry))
            .unwrap_or_default();
        let verdict = judge(&request, found, settings.as_deref());
        let allows = |allow: &[Cidr]| !allow.is_empty();
        let candidate = Candidate {
            peer: request.peer,
            caller: Caller::of(&request),
            packet_filter: request.packet_filter,
            reply,
            has_proved: settings.as_ref().is_some_and(|s| allows(&s.allow))
                || verdict.as_ref().is_ok_and(|entry| allows(entry.allow())),
            ticket: None,
            house: Arc::clone(&self.house),
            turnstile: Arc::clone(&self.turnstile),
            limits: self.limits(),
            webhook: self.webhook.load_full(),
            listener: Arc::clone(&self.name),
            events: self.events.load_full(),
            table,
        };
        match (request.encryption, verdict) {
            (RequestedEncryption::None, Err(refusal)) => candidate.refuse(refusal),
            (RequestedEncryption::None, Ok(entry)) => self.let_in(entry, None, candidate),
            (RequestedEncryption::KeyMaterial(material), verdict) => {
                let passphrase = verdict
                    .as_ref()
                    .ok()
                    .and_then(Entry::passphrase)
                    .cloned()
                    .unwrap_or_else(|| Secret::new(NOBODYS_PASSPHRASE));
                let address = candidate.peer.ip();
                let runtime = self.runtime.get().cloned();
                let inquiry = Arc::clone(&self.inquiry);
                // No room in the pool is silence: the caller repeats itself.
                let _ = self.shards.keys().submit(address, move || {
                    let keys = material.open(passphrase.expose().as_bytes());
                    drop(passphrase);
                    match open_door(verdict, keys) {
                        Ok((entry, keys)) => enter(runtime.as_ref(), entry, Some(keys), candidate),
                        Err(refusal) => {
                            let rejected = candidate.reject(refusal.reason);
                            let inquire = Inquire { material, rivals };
                            inquire.and_journal(rejected, refusal, runtime.as_ref(), inquiry);
                        }
                    }
                });
            }
        }
    }
}

/// Whether a wrong passphrase is the right one for the other direction of the same media.
struct Inquire {
    material: KeyMaterial,
    rivals: Vec<Entry>,
}

impl Inquire {
    /// Each rival costs a derivation, which a stranger must neither multiply nor notice: off
    /// the key threads, one inquiry per listener at a time, and none while one is under way.
    fn and_journal(
        self,
        rejected: Rejected,
        refusal: Refusal,
        runtime: Option<&Handle>,
        inquiry: Arc<Semaphore>,
    ) {
        let of_use = refusal.reason == RejectReason::WrongPassphrase && !self.rivals.is_empty();
        let turn = of_use.then(|| inquiry.try_acquire_owned().ok()).flatten();
        match (runtime, turn) {
            (Some(runtime), Some(turn)) => drop(runtime.spawn_blocking(move || {
                rejected.journal(self.blame_the_rival(refusal));
                drop(turn);
            })),
            _ => rejected.journal(refusal),
        }
    }

    /// Somebody reads with the secret for sending, or the other way round.
    fn blame_the_rival(&self, refusal: Refusal) -> Refusal {
        let opens = |rival: &&Entry| {
            let secret = rival.passphrase();
            secret.is_some_and(|secret| self.material.open(secret.expose().as_bytes()).is_ok())
        };
        let Some(rival) = self.rivals.iter().find(opens) else {
            return refusal;
        };
        let advice = match rival {
            Entry::Source(_) => "A secret for sending never reads: use the output's own passphrase",
            Entry::Output(_) => "A secret for reading never sends: use the source's own passphrase",
        };
        let expected = refusal.expected.unwrap_or_default();
        Refusal::new(RejectReason::WrongMode, advice)
            .received(format!("the passphrase of {rival}"))
            .expected(expected)
    }
}

impl Listening {
    fn let_in(&self, entry: Entry, keys: Option<SessionKeys>, candidate: Candidate) {
        enter(self.runtime.get(), entry, keys, candidate);
    }
}

/// Admission may have to wait for a moment, so it goes on where waiting costs nothing.
fn enter(runtime: Option<&Handle>, entry: Entry, keys: Option<SessionKeys>, candidate: Candidate) {
    // Without a runtime nobody has claimed a stream here, and nothing could have been found.
    let Some(runtime) = runtime else { return };
    runtime.spawn(async move {
        let Some(mut candidate) = candidate.clear(&entry).await else {
            return;
        };
        candidate.has_proved |= keys.is_some();
        if let Err(refusal) = filter::fits(&entry, &candidate) {
            return candidate.refuse(refusal);
        }
        match entry {
            Entry::Source(door) => door.admit(keys, candidate).await,
            Entry::Output(door) => door.admit(keys, candidate),
        }
    });
}

impl Entry {
    fn passphrase(&self) -> Option<&Secret> {
        match self {
            Self::Source(door) => door.passphrase.as_ref(),
            Self::Output(door) => door.passphrase.as_ref(),
        }
    }
}

/// Everything that can be judged without deriving keys.
fn judge(
    request: &ConnectionRequest,
    found: Option<Entry>,
    listener: Option<&ListenerSettings>,
) -> Result<Entry, Refusal> {
    let Some(entry) = found else {
        return Err(unknown(request));
    };
    conditions::check(request, &entry, listener)?;
    let mode = request.stream_id.access().and_then(|access| access.mode());
    match (&entry, mode) {
        (Entry::Source(_), None | Some(AccessMode::Publish))
        | (Entry::Output(_), None | Some(AccessMode::Request)) => {}
        (Entry::Source(_), _) => {
            return Err(Refusal::new(
                RejectReason::WrongMode,
                "This stream ID is for sending. To read, ask for the stream ID of an output, \
                 with the output's passphrase",
            )
            .received("a request to read")
            .expected("m=publish, or no m= at all"));
        }
        (Entry::Output(_), _) => {
            return Err(Refusal::new(
                RejectReason::WrongMode,
                "This stream ID is for reading. To send, use the stream ID of a source, with \
                 the source's passphrase",
            )
            .received("a request to send")
            .expected("m=request, or no m= at all"));
        }
    }
    if request.via_srtla && matches!(entry, Entry::Output(_)) {
        return Err(Refusal::new(
            RejectReason::WrongMode,
            "SRTLA carries media to this server only. To read, call with plain SRT",
        )
        .received("a request to read over SRTLA")
        .expected("a sender"));
    }
    match (entry.passphrase(), &request.encryption) {
        (Some(_), RequestedEncryption::None) => Err(Refusal::new(
            RejectReason::EncryptionRequired,
            format!("Set the passphrase of {entry} at the caller"),
        )
        .received("no encryption")
        .expected(format!("the passphrase of {entry}"))),
        (None, RequestedEncryption::KeyMaterial(_)) => Err(Refusal::new(
            RejectReason::EncryptionUnexpected,
            format!("Take the passphrase away at the caller, or give {entry} the same one"),
        )
        .received("encryption")
        .expected("no passphrase")),
        _ => Ok(entry),
    }
}

fn unknown(request: &ConnectionRequest) -> Refusal {
    if request.stream_id.is_malformed() {
        return Refusal::new(
            RejectReason::BadStreamId,
            "Write the stream ID plain, or as #!::r=NAME,m=publish (or m=request)",
        )
        .received(request.stream_id.to_string());
    }
    if request.stream_id.is_empty() {
        let advice = "Set the stream ID at the caller";
        return Refusal::new(RejectReason::UnknownStream, advice).received("no stream ID");
    }
    Refusal::new(
        RejectReason::UnknownStream,
        "Check the stream ID at the caller, or configure a source or an output with it",
    )
}

/// The verdict once the keys were tried.
fn open_door(
    verdict: Result<Entry, Refusal>,
    keys: Result<SessionKeys, KeyError>,
) -> Result<(Entry, SessionKeys), Refusal> {
    let entry = verdict?;
    match keys {
        Ok(keys) => Ok((entry, keys)),
        Err(KeyError::Internal) => Err(Refusal::new(
            RejectReason::Internal,
            "The keys could not be opened for a reason of our own; please report it",
        )),
        Err(_) => Err(Refusal::new(
            RejectReason::WrongPassphrase,
            format!("Copy the passphrase of {entry} to the caller again; mind blanks at its ends"),
        )
        .received("keys made with another passphrase")
        .expected(format!("the passphrase of {entry}"))),
    }
}
