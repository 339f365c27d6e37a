use tidegate_engine::{EventSink, Secrets};

use super::*;
use crate::adapters::{OutputConfig, SourceConfig};
use crate::config::{Document, read};
use crate::store::Store;

const STATION: &str = r#"
listeners: [{ name: ingest, srt: { bind: "127.0.0.1:0" } }]
sources:
  - { name: cam1, srt: { listener: ingest, stream_id: a, passphrase: "literal passphrase" } }
  - { name: cam2, srt: { listener: ingest, stream_id: b, passphrase: { secret: shared } } }
outputs: [{ name: out, source: cam1, udp: { to: "127.0.0.1:9" } }]
secrets: { shared: { value: "shared passphrase" } }
"#;

fn station() -> Desired {
    Desired::default().replaced_by(document(STATION)).unwrap()
}

fn document(text: &str) -> Document {
    read::document(text).unwrap()
}

fn source(text: &str) -> SourceConfig {
    read::yaml(text).unwrap()
}

#[test]
fn only_what_changed_gets_the_new_revision() {
    let before = station();
    let cam2 = source("{ name: cam2, srt: { listener: ingest, stream_id: c } }");
    let after = before.with(cam2).unwrap();
    assert_eq!(after.revision, 2);
    assert_eq!(after.revision_of::<SourceConfig>("cam2"), 2);
    assert_eq!(after.revision_of::<SourceConfig>("cam1"), 1);
    assert_eq!(after.revision_of::<OutputConfig>("out"), 1);
    assert_eq!(after.differences(&before), ["source cam2 changed"]);
}

#[test]
fn another_value_of_a_secret_changes_those_that_use_it() {
    let before = station();
    let text = STATION.replace("shared passphrase", "another passphrase");
    let after = before.replaced_by(document(&text)).unwrap();
    assert_eq!(after.revision_of::<SourceConfig>("cam2"), 2);
    assert_eq!(after.revision_of::<SourceConfig>("cam1"), 1);
    assert_eq!(
        after.differences(&before),
        ["secret of source cam2 changed"]
    );
}

#[test]
fn what_is_shown_and_written_back_is_the_same_state() {
    let before = station();
    let shown_again = Document {
        listeners: before.document.listeners.iter().map(shown).collect(),
        sources: before.document.sources.iter().map(shown).collect(),
        outputs: before.document.outputs.iter().map(shown).collect(),
        ..before.document.clone()
    };
    let text = serde_json::to_string(&shown_again).unwrap();
    assert!(!text.contains("literal passphrase"), "{text}");
    assert!(
        before
            .replaced_by(document(&text))
            .unwrap()
            .same_as(&before)
    );
}

/// Under its label each keeps its own, also when another goes.
#[test]
fn dots_keep_the_passphrase_of_their_label_and_user() {
    let both = source(
        r#"{ name: cam1, srt: { listener: ingest, stream_id: a,
            passphrases: { old: "the old passphrase", new: "the new passphrase" },
            users: { alice: "alices passphrase", bob: { one: "bobs passphrase" } } } }"#,
    );
    let before = station().with(both).unwrap();
    let fewer = source(
        r#"{ name: cam1, srt: { listener: ingest, stream_id: a,
            passphrases: { new: "•••" }, users: { bob: { one: "•••" } } } }"#,
    );
    let after = before.with(fewer).unwrap();
    let kept = |place: &str| {
        let secret = after.vault.find(&format!("source/cam1/srt/{place}"));
        secret.map(|secret| secret.expose().to_owned())
    };
    assert_eq!(kept("passphrases/new").unwrap(), "the new passphrase");
    assert_eq!(kept("users/bob/one").unwrap(), "bobs passphrase");
    assert_eq!(kept("passphrases/old"), None);
    assert_eq!(kept("users/alice"), None);
}

/// Who may read is chosen: a passphrase of the output or of its listener, or `open`.
#[test]
fn an_output_leans_on_its_listeners_passphrase_or_has_its_own() {
    let output = "outputs: [{ name: out, source: cam1, srt: { listener: ingest, stream_id: o } }]";
    let text = STATION.replace(
        r#"outputs: [{ name: out, source: cam1, udp: { to: "127.0.0.1:9" } }]"#,
        output,
    );
    assert!(read::document(&text).is_err());
    let lent = text.replace(
        "127.0.0.1:0\"",
        "127.0.0.1:0\", passphrase: \"the listeners own\"",
    );
    assert!(read::document(&lent).is_ok());
}

#[test]
fn a_secret_nobody_uses_any_more_is_forgotten() {
    let station = station();
    assert_eq!(station.vault.stored_values().count(), 2);
    let open = source("{ name: cam1, srt: { listener: ingest, stream_id: a } }");
    let station = station.with(open).unwrap();
    assert_eq!(station.vault.stored_values().count(), 1);
}

#[test]
fn a_secret_is_read_from_its_file_without_the_line_break() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "from a file\n").unwrap();
    let origin = format!("{{ file: \"{}\" }}", file.display());
    let text = STATION.replace("{ value: \"shared passphrase\" }", &origin);
    let station = Desired::default().replaced_by(document(&text)).unwrap();
    assert_eq!(
        station.vault.find("shared").unwrap().expose(),
        "from a file"
    );
}

#[test]
fn a_secret_that_cannot_be_had_is_refused_where_it_is_new_and_tolerated_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "from a file").unwrap();
    let origin = format!("{{ file: \"{}\" }}", file.display());
    let text = STATION.replace("{ value: \"shared passphrase\" }", &origin);
    let station = Desired::default().replaced_by(document(&text)).unwrap();
    std::fs::remove_file(&file).unwrap();

    let unrelated = read::yaml("{ name: new, source: cam1, udp: { to: \"127.0.0.1:9\" } }");
    assert!(station.with::<OutputConfig>(unrelated.unwrap()).is_ok());
    let user =
        "{ name: new, srt: { listener: ingest, stream_id: n, passphrase: { secret: shared } } }";
    let problems = station.with(source(user)).unwrap_err();
    assert_eq!(
        problems[0].pointer.as_deref(),
        Some("/sources/2/srt/passphrase")
    );
    assert!(
        problems[0].message.contains("cannot be read"),
        "{}",
        problems[0]
    );
}

#[tokio::test]
async fn the_state_is_the_same_after_loading_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let control = Control::load(store.clone(), EventSink::new())
        .await
        .unwrap();
    control
        .replace(document(STATION), None, "test")
        .await
        .unwrap();
    let cam3 = source(
        "{ name: cam3, srt: { listener: ingest, stream_id: d, passphrase: \"the third one\" } }",
    );
    control.create(cam3, "test").await.unwrap();
    control
        .delete::<OutputConfig>("out", None, "test")
        .await
        .unwrap();
    let again = Control::load(store, EventSink::new()).await.unwrap();
    assert_eq!(again.current(), control.current());
}

#[tokio::test]
async fn a_change_that_changes_nothing_makes_no_revision() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let control = Control::load(store, EventSink::new()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(
            control
                .replace(document(STATION), None, "test")
                .await
                .unwrap(),
            1
        );
    }
}
