//! Functions of the rules: who is chosen, whom they may ask about, and what is told about them.

use std::collections::BTreeMap;

use jiff::civil::Weekday;

use super::{large, rules, told};
use crate::calendar::{Calendar, CalendarSpec, Season, Window};
use crate::model::id::{CalendarId, GroupId, MemberId, RoleId};
use crate::model::organization::{
    Absence, Group, GroupKind, Load, Loads, Member, Organization, Role, RoleScope, Title,
};
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
        id: MemberId::trusted(id),
        title: Title::default(),
        group: Some(GroupId::trusted(group)),
        roles: roles.iter().map(|role| RoleId::trusted(role)).collect(),
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
    functions.choose("pick", &large(), world().people())
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
    insta::assert_snapshot!(chosen(r#""nobody_known""#), @"rules/test.rhai:1:4: there is no member `nobody_known`");
    insta::assert_snapshot!(chosen("5"), @"rules/test.rhai:1:4: it returned a whole number, not a member's name");
    insta::assert_snapshot!(chosen(r#"#{ name: "chen" }"#), @"rules/test.rhai:1:4: the map that it returned has no `member`");
    insta::assert_snapshot!(chosen(r#"#{ member: "chen", beacuse: "x" }"#), @"rules/test.rhai:1:4: the map that it returned holds `beacuse`, which means nothing");
    insta::assert_snapshot!(chosen(r#"["chen"]"#), @"rules/test.rhai:1:4: it returned a list, not a member's name");
    insta::assert_snapshot!(chosen("candidates[7]"), @"rules/test.rhai:2:12: array index 7 out of bounds: only 3 elements in array");
    insta::assert_snapshot!(chosen("let m = #{}; m.chen"), @"rules/test.rhai:2:16: there is no `chen`");
    insta::assert_snapshot!(chosen(r#"load("zoe")"#), @"rules/test.rhai:2:1: there is no member `zoe`");
}

#[test]
fn people_can_be_asked_about() {
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
    insta::assert_snapshot!(number("load(\"adams\")"), @"rules/test.rhai:2:1: it threw 3");
    insta::assert_snapshot!(number("stewarded(\"dou\")"), @"rules/test.rhai:2:1: it threw 0");
    insta::assert_snapshot!(number(r#"working_days_between(project.signed_on, "2025-01-14")"#), @"rules/test.rhai:2:1: it threw 6");
    insta::assert_snapshot!(number(r#"working_days_between("2025-01-14", "2025-01-06")"#), @"rules/test.rhai:2:1: it threw -6");
    insta::assert_snapshot!(chosen(r#"members("sensor")"#), @"rules/test.rhai:2:1: `sensor` is neither a group nor a role");
    insta::assert_snapshot!(chosen(r#"if has_role("dou", "exper") { "dou" } else { "dou" }"#), @"rules/test.rhai:2:4: there is no role `exper`");
}

#[test]
fn several_candidates_are_an_array_of_names() {
    let (functions, _) = rules(
        "fn present(candidates) { candidates.filter(|who| !is_absent(who)) }\n\
         fn one() { \"adams\" }\nfn odd() { [\"adams\", 5] }",
    );
    let world = world();
    let named = functions.candidates("present", &large(), world.people()).unwrap();
    assert_eq!(named.iter().map(MemberId::as_str).collect::<Vec<_>>(), ["adams", "chen"]);
    assert!(functions.candidates("one", &large(), world.people()).is_err());
    assert!(functions.candidates("odd", &large(), world.people()).is_err());
    assert!(functions.candidates("none", &large(), world.people()).is_err());
}

#[test]
fn a_failure_points_into_the_rule_file() {
    let (functions, findings) = Functions::compile(&[
        ("rules/assignment.rhai".into(), "fn pick(project) {\n    inner(project)\n}".into()),
        (
            "rules/inner.rhai".into(),
            "// 说明\nfn inner(project) {\n    load(project.steward)\n}".into(),
        ),
    ]);
    assert_eq!(findings, []);
    let failure = functions.choose("pick", &large(), world().people()).unwrap_err();
    insta::assert_snapshot!(format!("{}: {}", failure.place, failure.message), @"rules/inner.rhai:3:5: there is no member `li_wei`");
}

#[test]
fn parameters_say_what_a_function_wants() {
    let (functions, _) = rules(
        "fn steward(project, group) { () }\nfn pick(candidates, task) { () }\n\n  fn odd(project, weather) { () }",
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
    insta::assert_snapshot!(told(&found), @r"
    rules/test.rhai:2:4+4 UnknownParameter: `pick` asks for `candidates`, which `steward:` cannot give (it can be given `project`, `group`)
    rules/test.rhai:4:6+3 UnknownParameter: `odd` asks for `weather`, which `assign:` cannot give (it can be given `project`, `stage`, `task`, `tasks`, `group`, `candidates`)
    ");
}

#[test]
fn what_is_wrong_with_rule_files() {
    let found = |source: &str| told(&rules(source).1);
    insta::assert_snapshot!(found("let x = 1;\nfn a() { 1 }\na();"), @r"
    rules/test.rhai:1:1+3 Forbidden: only functions may stand in a rule file
    rules/test.rhai:3:1+1 Forbidden: only functions may stand in a rule file
    ");
    insta::assert_snapshot!(found("const LIMIT = 5;"), @"rules/test.rhai:1:1+5 Forbidden: only functions may stand in a rule file");
    insta::assert_snapshot!(found("fn a() { b }"), @"rules/test.rhai:1:10+1 UnknownName: there is no `b`");
    insta::assert_snapshot!(found("fn a() { least_laoded([]) }"), @"rules/test.rhai:1:10+12 UnknownFunction: there is no function `least_laoded` (did you mean `least_loaded`?)");
    insta::assert_snapshot!(found("fn a(x) { 1 }\nfn b() { a(1, 2) }"), @"rules/test.rhai:2:10+1 UnknownFunction: `a` takes 1 argument, not 2");
    insta::assert_snapshot!(found("fn a() { 1 }\nfn a() { 2 }"), @"rules/test.rhai:2:1+2 DuplicateFunction: there is already a function `a`");
    insta::assert_snapshot!(found("fn a() { 1 }\nfn a(x) { 2 }"), @"rules/test.rhai:2:4+1 DuplicateFunction: there is already a function `a` in rules/test.rhai");
    insta::assert_snapshot!(found("fn a(x) { x.map(|y| y + lod(y)) }"), @"rules/test.rhai:1:25+3 UnknownFunction: there is no function `lod` (did you mean `load`?)");
    insta::assert_snapshot!(found("fn a(x) { x.map(|y| {\n    let z = |q| undone(q);\n    z.call(y) }) }"), @"rules/test.rhai:2:17+6 UnknownFunction: there is no function `undone`");
    insta::assert_snapshot!(found("fn load(x) { 1 }"), @"rules/test.rhai:1:4+4 DuplicateFunction: `load` is a function of the engine");
    insta::assert_snapshot!(found("fn a( { 1 }"), @"rules/test.rhai:1:7+1 Syntax: expecting `)` to close the parameters list of function `a`");
    insta::assert_snapshot!(found("fn 分派(project) { \"x\" }"), @"rules/test.rhai:1:4+2 Syntax: expecting function name in function declaration");
    let (_, findings) = Functions::compile(&[
        ("rules/a.rhai".into(), "fn pick() { 1 }".into()),
        ("rules/b.rhai".into(), "fn pick() { 2 }\nfn other() { pick() }".into()),
    ]);
    insta::assert_snapshot!(told(&findings), @"rules/b.rhai:1:4+4 DuplicateFunction: there is already a function `pick` in rules/a.rhai");
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
