use zeroize::Zeroizing;

use super::*;

fn object(name: &str, revision: u64) -> ObjectRow {
    ObjectRow {
        what: "source".into(),
        name: name.into(),
        revision,
        config: format!("{{\"name\":\"{name}\"}}"),
    }
}

fn event(id: u64, kind: &str) -> EventRow {
    EventRow {
        id,
        at_millis: id * 1000,
        kind: kind.into(),
        subject_type: None,
        subject_name: None,
        data: "{}".into(),
    }
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let write = Write {
        revision: 1,
        put: vec![(object("b", 1), 0), (object("a", 1), 1)],
        put_secrets: vec![SecretRow {
            name: "cam1".into(),
            origin: "value".into(),
            value: Zeroizing::new("a passphrase".into()),
        }],
        meta: vec![("file_hash", "abc".into())],
        ..Write::default()
    };
    store.write(write).await.unwrap();
    drop(store);

    let store = Store::open(folder.path()).unwrap();
    let state = store.state().await.unwrap();
    assert_eq!(state.revision, 1);
    let names: Vec<&str> = state
        .objects
        .iter()
        .map(|object| object.name.as_str())
        .collect();
    assert_eq!(names, ["b", "a"], "the operator's order is kept");
    assert_eq!(state.secrets[0].value.as_str(), "a passphrase");
    assert_eq!(
        store.meta("file_hash").await.unwrap().as_deref(),
        Some("abc")
    );
}

#[tokio::test]
async fn a_change_that_fails_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let first = Write {
        revision: 1,
        put: vec![(object("a", 1), 0)],
        ..Write::default()
    };
    store.write(first).await.unwrap();
    // The same revision again is refused by its primary key.
    let second = Write {
        revision: 1,
        put: vec![(object("b", 1), 1)],
        ..Write::default()
    };
    assert!(store.write(second).await.is_err());
    assert_eq!(store.state().await.unwrap().objects, [object("a", 1)]);
}

#[tokio::test]
async fn the_file_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let _store = Store::open(folder.path()).unwrap();
    let mode = std::fs::metadata(folder.path().join(FILE_NAME))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = Store::open(folder.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::TooNew { found: 99, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn events_are_read_by_number_and_kind() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let events = vec![event(1, "a"), event(2, "b"), event(3, "a")];
    store.add_events(events, Vec::new()).await.unwrap();
    let ids = |query| async {
        let rows = store.events(query).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let all = EventQuery {
        limit: 10,
        ..EventQuery::default()
    };
    assert_eq!(ids(all.clone()).await, [3, 2, 1]);
    assert_eq!(
        ids(EventQuery {
            after: Some(1),
            ..all.clone()
        })
        .await,
        [2, 3]
    );
    assert_eq!(
        ids(EventQuery {
            kind: Some("a".into()),
            ..all
        })
        .await,
        [3, 1]
    );
    assert_eq!(store.last_event_id().await.unwrap(), 3);
}

#[tokio::test]
async fn old_events_and_rejections_make_room() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let rejection = |id| RejectionRow {
        id,
        at_millis: id,
        data: "{}".into(),
    };
    store
        .add_events(vec![event(1, "a")], vec![rejection(1)])
        .await
        .unwrap();
    let last = REJECTIONS_MAX as u64 + 1;
    store
        .add_events(vec![event(EVENTS_MAX + 1, "a")], vec![rejection(last)])
        .await
        .unwrap();
    let query = EventQuery {
        limit: 10,
        ..EventQuery::default()
    };
    let ids: Vec<u64> = store
        .events(query)
        .await
        .unwrap()
        .iter()
        .map(|e| e.id)
        .collect();
    assert_eq!(ids, [EVENTS_MAX + 1]);
    let ids: Vec<u64> = store
        .rejections()
        .await
        .unwrap()
        .iter()
        .map(|r| r.id)
        .collect();
    assert_eq!(ids, [last]);
}

#[tokio::test]
async fn an_expired_session_is_no_session() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let session = |hash: u8, expires_millis| SessionRow {
        token_hash: vec![hash],
        user: "admin".into(),
        expires_millis,
    };
    let far = 1 << 50;
    store.add_session(session(1, far)).await.unwrap();
    store.add_session(session(2, 5)).await.unwrap();
    assert!(store.session(vec![1]).await.unwrap().is_some());
    assert!(store.session(vec![2]).await.unwrap().is_none());
    store.remove_session(vec![1]).await.unwrap();
    assert!(store.session(vec![1]).await.unwrap().is_none());
}
