//! The organization as people read it: tables, and a few lines about one member or hand-over.

use crate::api::pb;
use crate::cli::print::Output;

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

fn titles(title: Option<&pb::Title>) -> (String, String) {
    title.map(|title| (title.en.clone(), title.zh.clone())).unwrap_or_default()
}

pub(super) fn members(members: &[pb::Member], output: &Output) -> String {
    let row = |it: &pb::Member| {
        let (en, zh) = titles(it.title.as_ref());
        vec![it.id.clone(), en, zh, or_dash(&it.group), or_dash(&it.roles.join(", ")), away(it)]
    };
    let rows: Vec<Vec<String>> = members.iter().map(row).collect();
    output.table(&["MEMBER", "NAME", "名称", "GROUP", "ROLES", "TODAY"], &rows)
}

pub(super) fn member(it: &pb::Member) -> String {
    let (en, zh) = titles(it.title.as_ref());
    let most = |most: Option<u32>| most.map_or("any number".to_owned(), |most| most.to_string());
    let mut facts = vec![
        ("group", or_dash(&it.group)),
        ("roles", or_dash(&it.roles.join(", "))),
        ("contact", or_dash(&it.contact)),
        ("today", away(it)),
        (
            "at most",
            format!("{} instances, {} tasks", most(it.instances_at_most), most(it.tasks_at_most)),
        ),
    ];
    if let Some(unit) = &it.home_unit {
        facts.push(("from", format!("{} {}", unit.en, unit.zh)));
    }
    if !it.seconded_from.is_empty() {
        let until = or_dash(&it.seconded_until);
        facts.push(("seconded", format!("{} until {until}", it.seconded_from)));
    }
    let mut lines = vec![format!("{}  {en} {zh}", it.id)];
    lines.extend(facts.iter().map(|(name, value)| format!("  {name:<9} {value}")));
    lines.join("\n")
}

fn away(it: &pb::Member) -> String {
    let until = if it.away_until.is_empty() {
        "for good".to_owned()
    } else {
        format!("until {}", it.away_until)
    };
    match (it.away, it.substitute.as_str()) {
        (false, _) => "here".to_owned(),
        (true, "") => format!("away {until}"),
        (true, substitute) => format!("away {until}, {substitute} stands in"),
    }
}

pub(super) fn groups(groups: &[pb::Group], output: &Output) -> String {
    let row = |it: &pb::Group| {
        let (en, zh) = titles(it.title.as_ref());
        vec![it.id.clone(), en, zh, or_dash(&it.above), or_dash(&it.members.join(", "))]
    };
    let rows: Vec<Vec<String>> = groups.iter().map(row).collect();
    output.table(&["GROUP", "NAME", "名称", "ABOVE", "MEMBERS"], &rows)
}

pub(super) fn roles(roles: &[pb::Role], output: &Output) -> String {
    let row = |it: &pb::Role| {
        let (en, zh) = titles(it.title.as_ref());
        let force = if it.may_force { "yes" } else { "no" };
        let members = or_dash(&it.members.join(", "));
        vec![it.id.clone(), en, zh, or_dash(&it.above), force.to_owned(), members]
    };
    let rows: Vec<Vec<String>> = roles.iter().map(row).collect();
    output.table(&["ROLE", "NAME", "名称", "ABOVE", "FORCES", "MEMBERS"], &rows)
}

pub(super) fn absences(absences: &[pb::Absence], output: &Output) -> String {
    let row = |it: &pb::Absence| {
        let substitute = or_dash(&it.substitute);
        vec![it.member.clone(), it.from.clone(), it.to.clone(), substitute, or_dash(&it.reason)]
    };
    let rows: Vec<Vec<String>> = absences.iter().map(row).collect();
    output.table(&["MEMBER", "FROM", "TO", "SUBSTITUTE", "WHY"], &rows)
}

pub(super) fn absence(it: &pb::Absence) -> String {
    let stands_in = if it.substitute.is_empty() {
        "no substitute".to_owned()
    } else {
        format!("{} stands in", it.substitute)
    };
    format!("{} is away from {} to {}, {stands_in}", it.member, it.from, it.to)
}

pub(super) fn duties(duties: &[pb::Duty], output: &Output) -> String {
    let row = |it: &pb::Duty| {
        vec![it.from.clone(), it.to.clone(), it.members.join(", "), or_dash(&it.note)]
    };
    let rows: Vec<Vec<String>> = duties.iter().map(row).collect();
    output.table(&["FROM", "TO", "ON DUTY", "NOTE"], &rows)
}

pub(super) fn duty(it: &pb::Duty) -> String {
    let who = if it.members.is_empty() { "nobody".to_owned() } else { it.members.join(", ") };
    format!("{who} on duty from {} to {}", it.from, it.to)
}

pub(super) fn workload(members: &[pb::MemberWorkload], output: &Output) -> String {
    let row = |it: &pb::MemberWorkload| {
        let away = match (it.away, it.away_until.as_str()) {
            (false, _) => "-".to_owned(),
            (true, "") => "for good".to_owned(),
            (true, until) => format!("until {until}"),
        };
        let numbers = [
            it.stewarded,
            it.red,
            it.yellow,
            it.backup_of,
            it.open_tasks,
            it.overdue_tasks,
            it.due_soon_tasks,
        ];
        let mut row = vec![it.member.clone(), or_dash(&it.group)];
        row.extend(numbers.iter().map(ToString::to_string));
        row.push(if it.full { "full".to_owned() } else { "-".to_owned() });
        row.push(away);
        row
    };
    let rows: Vec<Vec<String>> = members.iter().map(row).collect();
    let header = [
        "MEMBER", "GROUP", "STEWARD", "RED", "YELLOW", "BACKUP", "TASKS", "OVERDUE", "SOON",
        "LOAD", "AWAY",
    ];
    output.table(&header, &rows)
}

pub(super) fn stewards(stewards: &[pb::Stewardship], output: &Output) -> String {
    let row = |it: &pb::Stewardship| {
        vec![
            or_dash(&it.steward),
            or_dash(&it.backups.join(", ")),
            output.instant(it.since),
            output.instant(it.until),
            or_dash(&it.reason),
        ]
    };
    let rows: Vec<Vec<String>> = stewards.iter().map(row).collect();
    output.table(&["STEWARD", "BACKUPS", "SINCE", "UNTIL", "WHY"], &rows)
}

pub(super) fn hand_overs(hand_overs: &[pb::HandOver], output: &Output) -> String {
    let row = |it: &pb::HandOver| {
        vec![
            it.id.clone(),
            it.from.clone(),
            or_dash(&it.to),
            output.instant(it.begun_at),
            output.instant(it.ended_at),
            it.handed_over.to_string(),
            it.left.to_string(),
            it.waiting.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = hand_overs.iter().map(row).collect();
    output.table(&["ID", "FROM", "TO", "BEGUN", "ENDED", "DONE", "LEFT", "WAITING"], &rows)
}

/// What was handed over, what was left, and why.
pub(super) fn hand_over(it: &pb::HandOver, output: &Output) -> String {
    let to = if it.to.is_empty() { "whom the rules name" } else { &it.to };
    let ended = if it.ended_at.is_some() { "handed over" } else { "is handing over" };
    let first = format!(
        "{} {ended} to {to}: {} handed over, {} left, {} waiting ({})",
        it.from, it.handed_over, it.left, it.waiting, it.reason
    );
    let rows: Vec<Vec<String>> = it.checklist.iter().map(item_row).collect();
    if rows.is_empty() {
        return first;
    }
    format!("{first}\n{}", output.table(&["STATE", "WHAT", "WHERE", "TO", "WHY"], &rows))
}

fn item_row(it: &pb::HandOverItem) -> Vec<String> {
    let state = match it.state() {
        pb::HandOverState::Unspecified => "?",
        pb::HandOverState::Waiting => "waiting",
        pb::HandOverState::HandedOver => "done",
        pb::HandOverState::Gone => "gone",
        pb::HandOverState::Left => "left",
    };
    let what = match it.charge() {
        pb::Charge::Unspecified => "?",
        pb::Charge::Stewardship => "steward",
        pb::Charge::Task => "task",
        pb::Charge::Backup => "backup",
        pb::Charge::Duty => "duty",
        pb::Charge::Substitute => "substitute",
        pb::Charge::Role => "role",
    };
    let place = match (it.instance.as_str(), it.task) {
        ("", _) => it.name.clone(),
        (instance, 0) => instance.to_owned(),
        (instance, task) => format!("{instance} {task} {}", it.name),
    };
    let why = if it.code.is_empty() { "-".to_owned() } else { format!("{}: {}", it.code, it.why) };
    vec![state.to_owned(), what.to_owned(), place, or_dash(&it.handed_to), why]
}
