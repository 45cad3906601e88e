//! Whether questions make sense, and whether answers fit them.

use super::*;

fn question(name: &str, answer: AnswerKind) -> Question {
    Question {
        name: name.to_owned(),
        label: "问".to_owned(),
        label_en: String::new(),
        required: false,
        after_use: false,
        answer,
    }
}

fn asked() -> Vec<Question> {
    let number = AnswerKind::Number {
        least: 1,
        most: 10,
        unit: "mg".to_owned(),
    };
    let options = vec!["液氮".to_owned(), "室温".to_owned()];
    let text = AnswerKind::Text { characters_max: 3 };
    vec![
        Question {
            required: true,
            ..question("mass", number)
        },
        question("toxic", AnswerKind::YesNo),
        question("cooling", AnswerKind::Choice { options }),
        question("note", text.clone()),
        Question {
            required: true,
            after_use: true,
            ..question("state", text)
        },
    ]
}

fn said(answers: &str) -> Details {
    let answers: serde_json::Value = serde_json::from_str(answers).unwrap();
    serde_json::from_value(serde_json::json!({ "answers": answers })).unwrap()
}

#[track_caller]
fn check(at: AnswerAt, answers: &str, expected: &[(&str, Wrong)]) {
    let faults = check_answers(&asked(), &said(answers), at).err();
    let found: Vec<(String, Wrong)> = faults
        .into_iter()
        .flatten()
        .map(|fault| (fault.field, fault.wrong))
        .collect();
    let expected: Vec<(String, Wrong)> = expected
        .iter()
        .map(|(field, wrong)| (format!("answers.{field}"), wrong.clone()))
        .collect();
    assert_eq!(found, expected, "{answers}");
}

#[test]
fn answers_fit_their_questions() {
    let booking = |answers: &str, expected: &[(&str, Wrong)]| {
        check(AnswerAt::Booking, answers, expected);
    };
    booking(r#"{"mass": 1}"#, &[]);
    booking(
        r#"{"mass": 10, "toxic": false, "cooling": "液氮", "note": "三个字"}"#,
        &[],
    );
    booking("{}", &[("mass", Wrong::Missing)]);
    for outside in ["0", "11", "true", r#""5""#] {
        let answers = format!(r#"{{"mass": {outside}}}"#);
        booking(&answers, &[("mass", Wrong::NotBetween(1, 10))]);
    }
    let options = vec!["液氮".to_owned(), "室温".to_owned()];
    for (wrong, fault) in [
        (r#""toxic": "yes""#, ("toxic", Wrong::NotYesNo)),
        (r#""toxic": 1"#, ("toxic", Wrong::NotYesNo)),
        (
            r#""cooling": "冰""#,
            ("cooling", Wrong::NotAnOption(options)),
        ),
        (r#""note": "四个字了""#, ("note", Wrong::TooLong(3))),
        (r#""note": 4"#, ("note", Wrong::NotText)),
        (r#""colour": "red""#, ("colour", Wrong::NotAsked)),
        (r#""state": "ok""#, ("state", Wrong::AskedLater)),
    ] {
        booking(&format!(r#"{{"mass": 2, {wrong}}}"#), &[fault]);
    }
}

#[test]
fn after_use_only_what_is_asked_then_must_be_answered() {
    let after = |answers: &str, expected: &[(&str, Wrong)]| {
        check(AnswerAt::AfterUse, answers, expected);
    };
    after(r#"{"state": "好"}"#, &[]);
    after(r#"{"state": "好", "mass": 3}"#, &[]);
    after("{}", &[("state", Wrong::Missing)]);
    after(r#"{"state": "  "}"#, &[("state", Wrong::Missing)]);
    after(
        r#"{"state": "好", "mass": 0}"#,
        &[("mass", Wrong::NotBetween(1, 10))],
    );
}

#[test]
fn what_is_said_once_is_for_whoever_asks_it() {
    let depth = Question {
        required: true,
        ..question("depth", AnswerKind::Text { characters_max: 9 })
    };
    let sets = [asked(), vec![depth], Vec::new()];
    let wrong = |answers: &str| {
        let faults = check_together(&sets, &said(answers)).err();
        let fields = faults.into_iter().flatten().map(|fault| fault.field);
        fields.collect::<Vec<_>>()
    };
    assert_eq!(wrong("{}"), ["answers.mass", "answers.depth"]);
    assert_eq!(wrong(r#"{"mass": 3}"#), ["answers.depth"]);
    let all = r#"{"mass": 3, "depth": "深"}"#;
    assert!(wrong(all).is_empty());
    assert_eq!(
        wrong(r#"{"mass": 3, "depth": 1, "colour": 1}"#),
        ["answers.colour", "answers.depth"]
    );
    let twice = [asked(), asked()];
    let faults = check_together(&twice, &said("{}")).unwrap_err();
    assert_eq!(faults.len(), 1, "the same is said once");
    let told = Details {
        samples: Some(4),
        ..said(all)
    };
    let shares = sets.map(|set| share_of(&set, &told));
    let names = shares.iter().map(|share| share.answers.keys().collect());
    let names: Vec<Vec<&String>> = names.collect();
    assert_eq!(names, [vec!["mass"], vec!["depth"], vec![]]);
    assert!(shares.iter().all(|share| share.samples == Some(4)));
}

#[track_caller]
fn check_set(questions: &[Question], expected: &[&str]) {
    let faults = check_questions("questions", questions).err();
    let fields: Vec<String> = faults
        .into_iter()
        .flatten()
        .map(|fault| fault.field)
        .collect();
    assert_eq!(fields, expected);
}

#[test]
fn a_set_of_questions_makes_sense_or_names_what_does_not() {
    check_set(&asked(), &[]);
    let twice = [
        question("a", AnswerKind::YesNo),
        question("a", AnswerKind::YesNo),
    ];
    check_set(&twice, &["questions[1].name"]);
    for name in ["", "A", "1a", "a b", "名", &"a".repeat(65)] {
        check_set(&[question(name, AnswerKind::YesNo)], &["questions[0].name"]);
    }
    let unlabelled = Question {
        label: " ".to_owned(),
        ..question("a", AnswerKind::YesNo)
    };
    check_set(&[unlabelled], &["questions[0].label"]);
    let many: Vec<Question> = (0..51)
        .map(|at| question(&format!("q{at}"), AnswerKind::YesNo))
        .collect();
    check_set(&many, &["questions"]);
}

#[test]
fn kinds_of_answers_have_bounds() {
    let choice = |options: &[&str]| AnswerKind::Choice {
        options: options.iter().map(|option| (*option).to_owned()).collect(),
    };
    let number = |least, most, unit: &str| AnswerKind::Number {
        least,
        most,
        unit: unit.to_owned(),
    };
    let text = |characters_max| AnswerKind::Text { characters_max };
    for good in [text(1), text(2_000), number(5, 5, "mm"), choice(&["一"])] {
        check_set(&[question("a", good)], &[]);
    }
    for (bad, part) in [
        (text(0), "characters_max"),
        (text(2_001), "characters_max"),
        (number(6, 5, ""), "most"),
        (number(5, 6, &"m".repeat(33)), "unit"),
        (choice(&[]), "options"),
        (choice(&["一", "一"]), "options"),
        (choice(&["一", ""]), "options"),
    ] {
        let field = format!("questions[0].answer.{part}");
        check_set(&[question("a", bad)], &[field.as_str()]);
    }
}
