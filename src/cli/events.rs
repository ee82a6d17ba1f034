//! `sanbang events`: what happened, and with `--follow` what happens.

use clap::Args;

use crate::api::pb;
use crate::api::pb::StartAt;

use super::Global;
use super::arguments::parse_count;
use super::describe;
use super::exit::Failure;
use super::json::to_json;
use super::print::{Format, Output, in_one_line, note};

/// What happened, page by page; with `--follow` what happens from now on
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang events --filter 'instance = \"p-001\"' --actor coordinator_1
  $ sanbang events --follow --from-beginning --filter 'kind = \"task.*\"' --messages 1 \\
        --actor coordinator_1

Each stop of `--follow` prints the token with which `--token` goes on where it stopped.")]
pub(super) struct Events {
    /// Go on with what happens, until interrupted
    #[arg(long)]
    follow: bool,
    /// Such as `kind = \"task.*\" AND member = \"coordinator_1\"`
    #[arg(long, default_value = "", hide_default_value = true)]
    filter: String,
    /// Go on behind this token, which an earlier run has printed
    #[arg(long, default_value = "", hide_default_value = true)]
    token: String,
    /// With `--follow`: begin with the first event of the store
    #[arg(long, requires = "follow")]
    from_beginning: bool,
    /// With `--follow`: stop after so many messages of the stream, heartbeats included
    #[arg(long, value_name = "NUMBER", requires = "follow", value_parser = parse_count)]
    messages: Option<usize>,
    /// Without `--follow`: at most so many events
    #[arg(
        long,
        default_value_t = 1000,
        conflicts_with = "follow",
        value_parser = parse_count
    )]
    limit: usize,
}

impl Events {
    pub(super) async fn run(self, global: &Global, output: &Output) -> Result<(), Failure> {
        let client = global.connect().await?;
        if !self.follow {
            return self.list(client.events(), output).await;
        }
        let mut token = self.token.clone();
        let followed = tokio::select! {
            followed = self.follow(client.events(), output, &mut token) => followed,
            _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        };
        note(&format!("go on with: --token {token}"));
        followed
    }

    async fn follow<Service>(
        &self,
        mut events: pb::event_service_client::EventServiceClient<Service>,
        output: &Output,
        token: &mut String,
    ) -> Result<(), Failure>
    where
        Service: tonic::client::GrpcService<tonic::body::Body>,
        Service::Error: Into<tonic::codegen::StdError>,
        Service::ResponseBody: tonic::codegen::Body<Data = tonic::codegen::Bytes> + Send + 'static,
        <Service::ResponseBody as tonic::codegen::Body>::Error:
            Into<tonic::codegen::StdError> + Send,
    {
        let start_at = if self.from_beginning { StartAt::Beginning } else { StartAt::Now };
        let request = pb::EventServiceSubscribeRequest {
            filter: self.filter.clone(),
            resume_token: self.token.clone(),
            start_at: start_at.into(),
        };
        let mut stream = events.subscribe(request).await?.into_inner();
        let mut messages = 0;
        while let Some(message) = stream.message().await? {
            for event in &message.events {
                write_event(event, output)?;
            }
            *token = message.resume_token;
            messages += 1;
            if self.messages == Some(messages) {
                break;
            }
        }
        Ok(())
    }

    async fn list<Service>(
        &self,
        mut events: pb::event_service_client::EventServiceClient<Service>,
        output: &Output,
    ) -> Result<(), Failure>
    where
        Service: tonic::client::GrpcService<tonic::body::Body>,
        Service::Error: Into<tonic::codegen::StdError>,
        Service::ResponseBody: tonic::codegen::Body<Data = tonic::codegen::Bytes> + Send + 'static,
        <Service::ResponseBody as tonic::codegen::Body>::Error:
            Into<tonic::codegen::StdError> + Send,
    {
        let mut token = self.token.clone();
        let mut left = self.limit;
        loop {
            let request = pb::EventServiceListRequest {
                page_size: i32::try_from(left.min(1000)).unwrap_or(1000),
                page_token: token,
                filter: self.filter.clone(),
            };
            let page = events.list(request).await?.into_inner();
            for event in page.events.iter().take(left) {
                write_event(event, output)?;
            }
            left = left.saturating_sub(page.events.len());
            token = page.next_page_token;
            if page.end || left == 0 {
                break;
            }
        }
        note(&format!("go on with: --token {token}"));
        Ok(())
    }
}

fn write_event(event: &pb::Event, output: &Output) -> Result<(), Failure> {
    match output.format {
        Format::Json => output.line(&to_json(event).to_string()),
        Format::Human | Format::Line => output.line(&event_line(event, output)),
    }
}

/// An event in one line: when, where, what.
pub(super) fn event_line(event: &pb::Event, output: &Output) -> String {
    let what = in_one_line(&describe::event(event));
    let time = output.instant(event.due_time.or(event.time));
    let instance = if event.instance.is_empty() { "-" } else { &event.instance };
    let actor = describe::actor(event.actor.as_ref());
    let line = match output.format {
        Format::Line => format!("{time}\t{instance}\t{}\t{what}\t{actor}", event.kind),
        Format::Human | Format::Json => {
            format!("{time}  {instance:<14}  {:<24}  {what}  [{actor}]", event.kind)
        }
    };
    line.trim_end().to_owned()
}
