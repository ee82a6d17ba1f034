//! Work lists and single tasks as a person reads them.

use crate::api::pb;

use super::Global;
use super::client::Client;
use super::describe;
use super::exit::Failure;
use super::instance::{CLOCK_HEADER, clock_rows};
use super::print::Output;
use super::task::{List, Named};

/// Rows asked for at once.
const PAGE_SIZE: i32 = 500;

pub(super) async fn list(
    client: &Client,
    list: List,
    global: &Global,
    output: &Output,
) -> Result<(), Failure> {
    let own = if global.on_behalf_of.is_empty() { &global.actor } else { &global.on_behalf_of };
    let filter = match (list.mine, list.filter.is_empty()) {
        (false, _) => list.filter.clone(),
        (true, true) => format!("holder = \"{own}\""),
        (true, false) => format!("holder = \"{own}\" AND {}", list.filter),
    };
    let mut all = pb::TaskServiceListResponse::default();
    loop {
        let request = pb::TaskServiceListRequest {
            page_size: PAGE_SIZE,
            page_token: all.next_page_token.clone(),
            filter: filter.clone(),
        };
        let page = client.tasks().list(request).await?.into_inner();
        all.tasks.extend(page.tasks);
        all.next_page_token = page.next_page_token;
        if all.next_page_token.is_empty() || all.tasks.len() >= list.limit {
            break;
        }
    }
    all.tasks.truncate(list.limit);
    output.message(&all, |output| {
        let header = ["INSTANCE", "TASK", "WHAT", "ROLE", "HOLDER", "SINCE"];
        let rows: Vec<Vec<String>> = all.tasks.iter().map(|task| row(task, output)).collect();
        output.table(&header, &rows)
    })
}

fn row(task: &pb::TaskSummary, output: &Output) -> Vec<String> {
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    vec![
        task.instance.clone(),
        task.number.to_string(),
        task.id.clone(),
        or_dash(&task.role),
        or_dash(&task.holder),
        output.instant(task.since),
    ]
}

pub(super) async fn get(client: &Client, named: Named, output: &Output) -> Result<(), Failure> {
    let request = pb::TaskServiceGetRequest { instance: named.instance, task: named.task };
    let response = client.tasks().get(request).await?.into_inner();
    output.message(&response, |output| text(&response, output))
}

fn text(response: &pb::TaskServiceGetResponse, output: &Output) -> String {
    let task = response.task.clone().unwrap_or_default();
    let definition = response.definition.clone().unwrap_or_default();
    let title = definition.title.unwrap_or_default();
    let holder = match &task.holder {
        None => "nobody".to_owned(),
        Some(holder) if holder.delegated_by.is_empty() => holder.member.clone(),
        Some(holder) => format!("{} for {}", holder.member, holder.delegated_by),
    };
    let mut lines = vec![
        format!("{}  {} {}", describe::task(task.reference.as_ref()), title.en, title.zh),
        format!("  role      {}", task.role),
        format!("  holder    {holder}"),
        format!("  opened    {}", output.instant(task.opened_at)),
    ];
    if !definition.outcomes.is_empty() {
        lines.push(format!("  outcomes  {}", definition.outcomes.join(", ")));
    }
    if let Some(objection) = &task.objection {
        lines.push(format!("  objection {}: {}", objection.by, objection.reason));
    }
    if let Some(supplement) = &task.supplement {
        lines.push(format!("  awaits    {}", supplement.what));
    }
    for item in &definition.checklist {
        let mark = if task.checked.contains(&item.id) { "x" } else { " " };
        let title = item.title.clone().unwrap_or_default();
        let optional = if item.optional { " (if it applies)" } else { "" };
        lines.push(format!("  [{mark}] {}  {} {}{optional}", item.id, title.en, title.zh));
    }
    for field in &definition.form {
        let title = field.title.clone().unwrap_or_default();
        let needed = match (field.required, field.required_when.as_str()) {
            (true, _) => "needed".to_owned(),
            (false, "") => "if known".to_owned(),
            (false, condition) => format!("needed when {condition}"),
        };
        lines.push(format!("  form      {}  {} {} ({needed})", field.id, title.en, title.zh));
    }
    let guide = definition.guide.unwrap_or_default();
    for text in [guide.en, guide.zh].iter().filter(|text| !text.is_empty()) {
        lines.push(String::new());
        lines.extend(text.trim_end().lines().map(|line| format!("  {line}")));
    }
    if let Some(clock) = &response.clock {
        lines.push(String::new());
        let rows = clock_rows(std::slice::from_ref(clock), output);
        lines.push(output.table(&CLOCK_HEADER, &rows));
    }
    lines.join("\n")
}
