use super::*;
use tidegate_engine::Severity;

fn words(text: &str) -> Words {
    Words {
        severity: Severity::Error,
        text: text.into(),
        advice: "",
    }
}

fn noise() -> EventKind {
    EventKind::Notice {
        message: String::new(),
    }
}

fn lock() -> Remembered {
    Remembered {
        locked: true,
        ..Remembered::default()
    }
}

#[test]
fn how_things_stand_is_known_however_full_the_queue_is() {
    let (teller, listener) = channel(COMMANDS + 4);
    let before = listener.standing.load_full();
    teller.raise("latched", words("three times"));
    teller.carries();
    let said = listener.standing.load_full();
    for _ in 0..100 {
        teller.event(noise());
    }
    assert!(teller.lost() >= 96);
    for _ in 0..COMMANDS {
        teller.answer(oneshot::channel().0, Ok(Value::Null));
    }
    assert_eq!(teller.sender.capacity(), 0, "nothing more goes in");
    teller.remember(lock());
    teller.clear("latched");
    teller.raise("nothing_left", words("dark"));
    teller.dark("no input");
    let now = listener.standing.load_full();
    let (first, remembered) = (news(&before, &said), lock());
    assert_eq!(
        first,
        [
            News::Carries,
            News::Raised("latched", &words("three times"))
        ]
    );
    assert_eq!(
        news(&said, &now),
        [
            News::Remember(&remembered),
            News::Dark("no input"),
            News::Cleared("latched"),
            News::Raised("nothing_left", &words("dark")),
        ]
    );
}

#[test]
fn what_came_and_went_meanwhile_is_no_news() {
    let (teller, listener) = channel(COMMANDS + 4);
    let said = listener.standing.load_full();
    teller.raise("latched", words("three times"));
    teller.clear("latched");
    assert_eq!(news(&said, &listener.standing.load_full()), []);
}

#[test]
fn events_leave_room_for_answers_and_those_that_find_none_are_counted() {
    let (teller, mut listener) = channel(COMMANDS + 2);
    for _ in 0..5 {
        teller.event(noise());
    }
    assert_eq!(teller.lost(), 3);
    let mut asked = Vec::new();
    for _ in 0..=COMMANDS {
        let (to, answer) = oneshot::channel();
        teller.answer(to, Ok(Value::Null));
        asked.push(answer);
    }
    // The one too many is told that it may not be written down.
    let mut last = asked.pop().unwrap();
    assert!(matches!(
        last.try_recv(),
        Ok(Err(SwitchRefusal::NotNow {
            code: RefusalCode::Busy,
            ..
        }))
    ));
    let mut heard = 0;
    while let Some(told) = listener.next_now() {
        heard += usize::from(matches!(told, Told::Answer(..)));
    }
    assert_eq!(heard, COMMANDS);
}

#[test]
fn a_darkness_that_has_another_reason_is_none_that_begins() {
    let (teller, listener) = channel(8);
    teller.dark("locked");
    let dark = listener.standing.load_full();
    teller.dark("unlocked");
    let still = listener.standing.load_full();
    assert_eq!(news(&dark, &still), [News::StillDark("unlocked")]);
}
