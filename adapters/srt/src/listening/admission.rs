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
//! A caller with keys costs as many derivations as any stream here has passphrases at most,
//! whatever it asks for, and one without costs none, so that neither the answer nor its time
//! tells which streams and users exist.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tidegate_engine::Cidr;
use tidegate_srt::{
    AccessMode, CipherMode, ConnectionRequest, KeyError, KeyMaterial, RejectReason,
    RequestedEncryption, SessionKeys, StreamId,
};
use tidegate_srt_io::{Admission, AdmissionReply};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::candidate::Rejected;
use super::{Caller, Candidate, Entry, Listening, Refusal, conditions, filter};
use crate::lock::{self, Lock, Rule};
use crate::passphrases::Passphrase;
use crate::settings::ListenerSettings;

impl Admission for Listening {
    fn admit(&self, request: ConnectionRequest, reply: AdmissionReply) {
        if self.opening.lets_nobody_in() || self.house.banned.load().contains(request.peer.ip()) {
            return;
        }
        let table = self.table.load_full();
        let settings = self.settings.load_full();
        let found = table.find(&request.stream_id).cloned();
        let rivals = found
            .as_ref()
            .map(|entry| table.rivals(entry))
            .unwrap_or_default();
        let verdict = self.judge(&request, found, settings.as_deref());
        // A list that has everybody on it is no proof of anything.
        let allows = |allow: &[Cidr]| {
            !allow.is_empty() && allow.iter().all(|network| network.0.prefix_bits() > 0)
        };
        let mut candidate = Candidate {
            peer: request.peer,
            caller: Caller::of(&request),
            packet_filter: request.packet_filter,
            reply,
            has_proved: settings.as_ref().is_some_and(|s| allows(&s.allow))
                || verdict
                    .as_ref()
                    .is_ok_and(|entry| allows(&entry.rules().allow)),
            ticket: None,
            house: Arc::clone(&self.house),
            turnstile: Arc::clone(&self.turnstile),
            limits: self.limits(),
            webhook: self.webhook.load_full(),
            passphrase: None,
            listener: Arc::clone(&self.name),
            events: self.events.load_full(),
            table,
        };
        match (request.encryption, verdict) {
            (RequestedEncryption::None, Err(refusal)) => candidate.refuse(refusal),
            (RequestedEncryption::None, Ok(entry)) => self.let_in(entry, None, candidate),
            (RequestedEncryption::KeyMaterial(material), verdict) => {
                let passphrases = verdict.as_ref().map_or_else(
                    |_| Vec::new(),
                    |entry| self.passphrases_for(entry, &candidate.caller.stream_id),
                );
                let cipher = verdict.as_ref().ok();
                let cipher = cipher.and_then(|entry| self.cipher(entry.lock()));
                let tries = self.tries.load(Ordering::Acquire);
                let address = candidate.peer.ip();
                let runtime = self.runtime.get().cloned();
                let inquiry = Arc::clone(&self.inquiry);
                let of_rival = |rival: Entry| {
                    let all = self.passphrases_for(&rival, &candidate.caller.stream_id);
                    (rival, all)
                };
                let secrets_of_rivals = rivals.into_iter().map(of_rival).collect();
                // No room in the pool is silence: the caller repeats itself.
                let _ = self.shards.keys().submit(address, tries, move || {
                    let opened = lock::open(&material, &passphrases, tries);
                    drop(passphrases);
                    match open_door(verdict, opened, cipher) {
                        Ok((entry, (keys, passphrase))) => {
                            candidate.passphrase = Some(passphrase);
                            enter(runtime.as_ref(), entry, Some(keys), candidate);
                        }
                        Err(refusal) => {
                            let rejected = candidate.reject(refusal.reason);
                            let inquire = Inquire {
                                material,
                                rivals: secrets_of_rivals,
                            };
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
    rivals: Vec<(Entry, Vec<Passphrase>)>,
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
        let opens = |(_, secrets): &&(Entry, Vec<Passphrase>)| {
            lock::open(&self.material, secrets, secrets.len()).is_ok()
        };
        let Some((rival, _)) = self.rivals.iter().find(opens) else {
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

    /// The passphrases that open `entry` for a caller with this stream ID.
    fn passphrases_for(&self, entry: &Entry, stream_id: &StreamId) -> Vec<Passphrase> {
        let access = stream_id.access();
        let user = access.as_ref().and_then(|access| access.user());
        self.rule(entry.lock()).passphrases_of(user)
    }

    /// Everything that can be judged without deriving keys.
    fn judge(
        &self,
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
        if request.group.is_some() && matches!(entry, Entry::Output(_)) {
            return Err(Refusal::new(
                RejectReason::WrongMode,
                "Bonding groups carry media to this server only. To read, call without a group",
            )
            .received("a bonding group that wants to read")
            .expected("a plain call"));
        }
        match (self.rule(entry.lock()), &request.encryption) {
            (Rule::Nobody, _) => Err(Refusal::new(
                RejectReason::Forbidden,
                "Give the output a passphrase, or its listener one, or write `open: true`",
            )
            .expected(format!("nobody: {entry} has no passphrase and is not open"))),
            (Rule::Having(_), RequestedEncryption::None) => Err(Refusal::new(
                RejectReason::EncryptionRequired,
                format!("Set the passphrase of {entry} at the caller"),
            )
            .received("no encryption")
            .expected(format!("the passphrase of {entry}"))),
            (Rule::Anybody, RequestedEncryption::KeyMaterial(_)) => Err(Refusal::new(
                RejectReason::EncryptionUnexpected,
                format!("Take the passphrase away at the caller, or give {entry} the same one"),
            )
            .received("encryption")
            .expected("no passphrase")),
            _ => Ok(entry),
        }
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
    pub(super) fn lock(&self) -> &Lock {
        match self {
            Self::Source(door) => &door.lock,
            Self::Output(door) => &door.lock,
        }
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
    if is_quoted(request.stream_id.as_bytes()) {
        return Refusal::new(
            RejectReason::UnknownStream,
            "Take the quotation marks around the stream ID away at the caller",
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

/// As people paste it who know it from a command line.
const fn is_quoted(stream_id: &[u8]) -> bool {
    matches!(stream_id, [b'"', .., b'"'] | [b'\'', .., b'\''])
}

/// Keys, and what opened them.
type Opened = (SessionKeys, Passphrase);

/// The verdict once the keys were tried.
fn open_door(
    verdict: Result<Entry, Refusal>,
    opened: Result<Opened, KeyError>,
    cipher: Option<CipherMode>,
) -> Result<(Entry, Opened), Refusal> {
    let entry = verdict?;
    match opened {
        // Only who has the passphrase is told: this reason is no secret on the wire.
        Ok((keys, _)) if cipher.is_some_and(|mode| mode != keys.cipher()) => {
            Err(wrong_cipher(&keys))
        }
        Ok(opened) => Ok((entry, opened)),
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

fn wrong_cipher(keys: &SessionKeys) -> Refusal {
    let (received, expected, advice) = match keys.cipher() {
        CipherMode::Gcm => (
            "AES-GCM",
            "AES-CTR",
            "Choose AES-CTR at the caller (cryptomode=1)",
        ),
        CipherMode::Ctr => (
            "AES-CTR",
            "AES-GCM",
            "Choose AES-GCM at the caller (cryptomode=2)",
        ),
    };
    Refusal::new(RejectReason::CryptoMode, advice)
        .received(received)
        .expected(expected)
}
