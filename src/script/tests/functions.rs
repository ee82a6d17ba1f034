//! Functions of the rules: who is chosen, whom they may ask about, and what is told about them.

use std::collections::BTreeMap;

use jiff::civil::Weekday;

use super::{large, rules, told};
use crate::calendar::{Calendar, CalendarSpec, Season, Window};
use crate::model::id::{CalendarId, GroupId, MemberId, RoleId};
use crate::model::organization::{
    Group, GroupKind, Load, Loads, Member, Organization, Role, RoleScope, Title,
};
use crate::model::roster::Absence;
use crate::model::time::Timestamp;
use crate::script::{Chosen, Failure, Functions, People, Use};

/// Wednesday, 8 January 2025, 10:00 in Shanghai.
const NOW: Timestamp = Timestamp(1_736_301_600_000);

struct World {
    organization: Organization,
    loads: Loads,
    calendar: Calendar,
    candidates: Vec<MemberId>,
}

impl World {
    fn people(&self) -> People<'_> {
        People {
            organization: &self.organization,
            loads: &self.loads,
            calendar: &self.calendar,
            now: NOW,
            candidates: &self.candidates,
        }
    }
}

fn calendar() -> Calendar {
    Calendar::new(CalendarSpec {
        id: CalendarId::trusted("cn"),
        title: Title::default(),
        zone: "Asia/Shanghai".to_owned(),
        always_on: false,
        hours: vec![Season { from: None, windows: vec![Window { start: 540, end: 1080 }] }],
        rest_days: vec![Weekday::Saturday, Weekday::Sunday],
        statutory: Vec::new(),
        years: BTreeMap::new(),
    })
    .unwrap()
}

fn world() -> World {
    let member = |id: &str, group: &str, roles: &[&str]| Member {
        group: Some(GroupId::trusted(group)),
        roles: roles.iter().map(|role| RoleId::trusted(role)).collect(),
        ..Member::named(id)
    };
    let role = |id: &str| Role {
        id: RoleId::trusted(id),
        title: Title::default(),
        above: None,
        scope: RoleScope::Everywhere,
        may_force: false,
    };
    let group = |id: &str| Group {
        id: GroupId::trusted(id),
        title: Title::default(),
        kind: GroupKind::Industry,
        above: None,
    };
    let absence = |id: &str, from: &str, to: &str| Absence {
        member: MemberId::trusted(id),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        substitute: Some(MemberId::trusted("chen")),
        reason: String::new(),
    };
    let load = |id: &str, open_tasks, stewarded, assigned_at: Option<i64>| {
        let assigned_at = assigned_at.map(Timestamp);
        (MemberId::trusted(id), Load { open_tasks, stewarded, assigned_at })
    };
    World {
        organization: Organization {
            roles: vec![role("group_leader"), role("expert")],
            groups: vec![group("sensors"), group("energy")],
            members: vec![
                member("adams", "sensors", &["group_leader"]),
                member("brown", "sensors", &[]),
                member("chen", "sensors", &["expert"]),
                member("dou", "energy", &["expert"]),
            ],
            services: Vec::new(),
            absences: vec![
                absence("brown", "2025-01-08", "2025-01-08"),
                absence("adams", "2025-01-09", "2025-01-10"),
            ],
            duties: Vec::new(),
        },
        loads: Loads {
            members: [
                load("adams", 3, 9, Some(10)),
                load("brown", 2, 1, Some(30)),
                load("chen", 2, 5, Some(20)),
            ]
            .into(),
        },
        calendar: calendar(),
        candidates: ["adams", "brown", "chen"].map(MemberId::trusted).to_vec(),
    }
}

fn choose(body: &str) -> Result<Option<Chosen>, Failure> {
    let (functions, findings) =
        rules(&format!("fn pick(project, task, tasks, group, candidates, stage) {{\n{body}\n}}"));
    assert_eq!(findings, [], "{body}");
    functions.choose("pick", &large().facts(), world().people())
}

fn chosen(body: &str) -> String {
    match choose(body) {
        Ok(Some(chosen)) => chosen.member.to_string(),
        Ok(None) => "nobody".to_owned(),
        Err(failure) => format!("{}: {}", failure.place, failure.message),
    }
}

/// What a function answers that returns any number.
fn number(expression: &str) -> String {
    chosen(&format!("throw {expression}"))
}

#[test]
fn a_function_names_a_member_and_says_why() {
    let chosen = choose(r#"#{ member: "chen", because: "knows the field" }"#).unwrap().unwrap();
    assert_eq!(chosen.member.as_str(), "chen");
    assert_eq!(&*chosen.because, "knows the field");
    let plain = choose(r#""dou""#).unwrap().unwrap();
    assert_eq!((plain.member.as_str(), &*plain.because), ("dou", ""));
    assert_eq!(choose("()"), Ok(None));
    assert_eq!(choose("#{ member: () }"), Ok(None));
}

#[test]
fn what_a_function_may_not_answer() {
    let mut lines: Vec<String> = Vec::new();
    tell!(lines, chosen(r#""nobody_known""#));
    tell!(lines, chosen("5"));
    tell!(lines, chosen(r#"#{ name: "chen" }"#));
    tell!(lines, chosen(r#"#{ member: "chen", beacuse: "x" }"#));
    tell!(lines, chosen(r#"["chen"]"#));
    tell!(lines, chosen("candidates[7]"));
    tell!(lines, chosen("let m = #{}; m.chen"));
    tell!(lines, chosen(r#"load("zoe")"#));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn people_can_be_asked_about() {
    let mut lines: Vec<String> = Vec::new();
    for (body, expected) in [
        ("least_loaded(candidates)", "chen"), // as busy as brown, but longer without
        ("least_stewarded(candidates)", "brown"),
        ("least_loaded([])", "nobody"),
        (r#"least_loaded(members("energy"))"#, "dou"),
        (r#"members("group_leader")[0]"#, "adams"),
        ("members(group)[1]", "brown"),
        ("candidates.filter(|who| !is_absent(who) && load(who) < 3)[0]", "chen"),
        (r#"if is_absent("brown") { substitute_of("brown") } else { "brown" }"#, "chen"),
        (r#"if is_absent("adams") { "adams" } else { "dou" }"#, "dou"),
        (r#"if has_role("dou", "expert") { "dou" } else { "adams" }"#, "dou"),
        (r#"if group("dou") == "energy" { "dou" } else { "adams" }"#, "dou"),
        (r#"if last_assigned_before("adams", "brown") { "adams" } else { "brown" }"#, "adams"),
        (r#"if last_assigned_before("dou", "adams") { "dou" } else { "adams" }"#, "dou"),
        ("candidates.sort(|a, b| stewarded(a) - stewarded(b)); candidates[0]", "brown"),
        ("if project.investment > 10000 { members(group)[0] } else { () }", "adams"),
        (r#"if task.id == "review" && stage.attempt == 2 { "chen" } else { () }"#, "chen"),
        (r#"if tasks.review.outcome == "pass_with_conditions" { "dou" } else { () }"#, "dou"),
    ] {
        assert_eq!(chosen(body), expected, "{body}");
    }
    tell!(lines, number("load(\"adams\")"));
    tell!(lines, number("stewarded(\"dou\")"));
    tell!(lines, number(r#"working_days_between(project.signed_on, "2025-01-14")"#));
    tell!(lines, number(r#"working_days_between("2025-01-14", "2025-01-06")"#));
    tell!(lines, chosen(r#"members("sensor")"#));
    tell!(lines, chosen(r#"if has_role("dou", "exper") { "dou" } else { "dou" }"#));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn several_candidates_are_an_array_of_names() {
    let (functions, _) = rules(
        "fn present(candidates) { candidates.filter(|who| !is_absent(who)) }\n\
         fn one() { \"adams\" }\nfn odd() { [\"adams\", 5] }",
    );
    let world = world();
    let named = functions.candidates("present", &large().facts(), world.people()).unwrap();
    assert_eq!(named.iter().map(MemberId::as_str).collect::<Vec<_>>(), ["adams", "chen"]);
    assert!(functions.candidates("one", &large().facts(), world.people()).is_err());
    assert!(functions.candidates("odd", &large().facts(), world.people()).is_err());
    assert!(functions.candidates("none", &large().facts(), world.people()).is_err());
}

#[test]
fn a_failure_points_into_the_rule_file() {
    let mut lines: Vec<String> = Vec::new();
    let (functions, findings) = Functions::compile(&[
        ("rules/assignment.rhai".into(), "fn pick(project) {\n    inner(project)\n}".into()),
        (
            "rules/inner.rhai".into(),
            "// 说明\nfn inner(project) {\n    load(project.steward)\n}".into(),
        ),
    ]);
    assert_eq!(findings, []);
    let failure = functions.choose("pick", &large().facts(), world().people()).unwrap_err();
    tell!(lines, format!("{}: {}", failure.place, failure.message));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn parameters_say_what_a_function_wants() {
    let mut lines: Vec<String> = Vec::new();
    let (functions, _) = rules(
        "fn steward(project, group) { () }\nfn pick(candidates, task) { () }\n\n\
         \x20 fn odd(project, weather) { () }",
    );
    assert_eq!(functions.names().collect::<Vec<_>>(), ["odd", "pick", "steward"]);
    assert!(functions.exists("pick") && !functions.exists("pic"));
    let parameters: Vec<&str> =
        functions.parameters("pick").unwrap().iter().map(|name| &**name).collect();
    assert_eq!(parameters, ["candidates", "task"]);
    assert_eq!(functions.check_use("steward", Use::Steward), None);
    assert_eq!(functions.check_use("pick", Use::Assign), None);
    assert_eq!(functions.check_use("pick", Use::Candidates), None);
    let found = [
        functions.check_use("pick", Use::Steward).unwrap(),
        functions.check_use("odd", Use::Assign).unwrap(),
    ];
    tell!(lines, told(&found));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_is_wrong_with_rule_files() {
    let mut lines: Vec<String> = Vec::new();
    let found = |source: &str| told(&rules(source).1);
    tell!(lines, found("let x = 1;\nfn a() { 1 }\na();"));
    tell!(lines, found("const LIMIT = 5;"));
    tell!(lines, found("fn a() { b }"));
    tell!(lines, found("fn a() { least_laoded([]) }"));
    tell!(lines, found("fn a(x) { 1 }\nfn b() { a(1, 2) }"));
    tell!(lines, found("fn a() { 1 }\nfn a() { 2 }"));
    tell!(lines, found("fn a() { 1 }\nfn a(x) { 2 }"));
    tell!(lines, found("fn a(x) { x.map(|y| y + lod(y)) }"));
    tell!(lines, found("fn a(x) { x.map(|y| {\n    let z = |q| undone(q);\n    z.call(y) }) }"));
    tell!(lines, found("fn load(x) { 1 }"));
    tell!(lines, found("fn a( { 1 }"));
    tell!(lines, found("fn 分派(project) { \"x\" }"));
    let (_, findings) = Functions::compile(&[
        ("rules/a.rhai".into(), "fn pick() { 1 }".into()),
        ("rules/b.rhai".into(), "fn pick() { 2 }\nfn other() { pick() }".into()),
    ]);
    tell!(lines, told(&findings));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_broken_file_does_not_hide_the_others() {
    let (functions, findings) = Functions::compile(&[
        ("rules/a.rhai".into(), "fn broken( { 1 }".into()),
        ("rules/b.rhai".into(), "fn whole() { 2 }".into()),
    ]);
    assert_eq!(findings.len(), 1);
    assert!(functions.exists("whole"));
}
