//! The views of instances: fetched page by page, written as tables or JSON.

use crate::api::pb;

use super::super::client::Client;
use super::super::describe;
use super::super::events::event_line;
use super::super::exit::Failure;
use super::super::explain;
use super::super::print::Output;
use super::{History, List, show};

/// Rows asked for at once.
const PAGE_SIZE: i32 = 500;

pub(super) async fn get(client: &Client, instance: &str, output: &Output) -> Result<(), Failure> {
    let request = pb::InstanceServiceGetRequest { instance: instance.to_owned() };
    let response = client.instances().get(request).await?.into_inner();
    output.message(&response, |output| {
        response.instance.as_ref().map(|it| show::instance(it, output)).unwrap_or_default()
    })
}

pub(super) async fn list(client: &Client, list: List, output: &Output) -> Result<(), Failure> {
    let mut all = pb::InstanceServiceListResponse::default();
    loop {
        let request = pb::InstanceServiceListRequest {
            page_size: PAGE_SIZE,
            page_token: all.next_page_token.clone(),
            filter: list.filter.clone(),
            order_by: list.order.clone(),
        };
        let page = client.instances().list(request).await?.into_inner();
        all.instances.extend(page.instances);
        all.next_page_token = page.next_page_token;
        if all.next_page_token.is_empty() || all.instances.len() >= list.limit {
            break;
        }
    }
    all.instances.truncate(list.limit);
    output.message(&all, |output| show::summaries(&all.instances, output))
}

pub(super) async fn history(
    client: &Client,
    history: History,
    output: &Output,
) -> Result<(), Failure> {
    let mut all = pb::InstanceServiceHistoryResponse::default();
    let mut left = history.limit;
    loop {
        let page_size = PAGE_SIZE.min(i32::try_from(left).unwrap_or(PAGE_SIZE));
        let request = pb::InstanceServiceHistoryRequest {
            instance: history.instance.clone(),
            page_size,
            page_token: all.next_page_token.clone(),
        };
        let page = client.instances().history(request).await?.into_inner();
        all.events.extend(page.events);
        all.next_page_token = page.next_page_token;
        // Commands and settlings are counted, not events; only the last page is not full.
        left = left.saturating_sub(usize::try_from(page_size).unwrap_or(left));
        if all.next_page_token.is_empty() || left == 0 {
            break;
        }
    }
    output.message(&all, |output| {
        let lines: Vec<String> = all.events.iter().map(|event| event_line(event, output)).collect();
        lines.join("\n")
    })
}

pub(super) async fn preview(
    client: &Client,
    instance: &str,
    output: &Output,
) -> Result<(), Failure> {
    let request = pb::InstanceServicePreviewResumeRequest { instance: instance.to_owned() };
    let response = client.instances().preview_resume(request).await?.into_inner();
    output.message(&response, |output| {
        let mut lines = vec!["after a resumption now, if nothing else happens:".to_owned()];
        for preview in &response.clocks {
            let clock = describe::clock(preview.clock.as_ref());
            lines.push(format!("{clock}, due {}", output.instant(preview.due)));
            lines.extend(
                preview.schedule.iter().map(|it| explain::scheduled(it, &output.instant(it.at))),
            );
        }
        lines.join("\n")
    })
}
