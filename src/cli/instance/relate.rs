//! How instances are related: the verbs that link them, and those that let one follow another.

use clap::{Args, ValueEnum};
use prost_types::{Struct, Value};
use serde_json::Value as Json;

use crate::api::pb;

use super::super::arguments::{Field, Repeat, json_kind, parse_field, to_struct};
use super::super::client::Client;
use super::super::exit::Failure;
use super::super::print::Output;
use super::show;

type Outcome = Result<Option<pb::Accepted>, Failure>;

/// How one instance is related to another.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum Relation {
    /// It was begun by the other
    SpawnedFrom,
    /// The other must not end before it has
    Blocks,
    /// It helps the other
    Supports,
    /// It is the same as the other, which was first
    Duplicates,
    /// It takes up what the other left off
    Continues,
    /// It delivers to the other
    Supplies,
}

/// Let an instance stand in a relation to another
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance link p-013 blocks p-014 --actor materials_officer_1
  $ sanbang instance link p-013 blocks p-014 --task grant_contract --actor materials_officer_1")]
pub(in crate::cli) struct Link {
    /// The instance
    instance: String,
    /// The relation in which it stands to the other
    relation: Relation,
    /// The other instance
    to: String,
    /// The task that is blocked; default: the other must not end at all
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    task: String,
    #[command(flatten)]
    repeat: Repeat,
}

/// End a relation
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance unlink p-013 blocks p-014 --reason 'Solved otherwise' \\
        --actor materials_officer_1")]
pub(in crate::cli) struct Unlink {
    /// The instance that stands in the relation
    instance: String,
    /// The relation
    relation: Relation,
    /// The other instance
    to: String,
    /// The task that was named with it
    #[arg(long, default_value = "", hide_default_value = true, value_name = "NAME")]
    task: String,
    /// Why
    #[arg(long, default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    repeat: Repeat,
}

/// Take up in a new instance what one that is over left off
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance revive p-015 --reason 'The investor is back' --actor materials_leader")]
pub(in crate::cli) struct Revive {
    /// The instance that is over
    instance: String,
    /// Why
    #[arg(long)]
    reason: String,
    /// A field that is to be other than it was: `name=text`, `name:=json`; `name:=null` empties
    #[arg(long = "field", value_parser = parse_field, value_name = "NAME=VALUE")]
    fields: Vec<Field>,
    /// Who is to be steward of the new one; otherwise the workflow's rule decides
    #[arg(long, default_value = "", hide_default_value = true, value_name = "MEMBER")]
    steward: String,
    #[command(flatten)]
    repeat: Repeat,
}

/// Instances that may be the same thing, the first reporter first
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  $ sanbang instance similar --workflow investment_project --field investor=Huaguang \\
        --actor coordinator_1")]
pub(in crate::cli) struct Similar {
    /// The workflow
    #[arg(long)]
    workflow: String,
    /// A field of which the text is compared: `name=text`
    #[arg(long = "field", value_parser = parse_field, value_name = "NAME=VALUE", required = true)]
    fields: Vec<Field>,
}

pub(super) async fn similar(
    client: &Client,
    similar: Similar,
    output: &Output,
) -> Result<(), Failure> {
    let (workflow, fields) = (similar.workflow, to_struct(&similar.fields));
    let request = pb::InstanceServiceFindSimilarRequest { workflow, fields };
    let found = client.instances().find_similar(request).await?.into_inner();
    output.message(&found, |output| show::summaries(&found.instances, output))
}

pub(super) async fn link(client: &Client, link: Link) -> Outcome {
    let request = pb::InstanceServiceLinkRequest {
        instance: link.instance,
        request_id: link.repeat.request_id,
        expected_revision: link.repeat.expected_revision,
        relation: relation(link.relation).into(),
        to: link.to,
        task: link.task,
    };
    Ok(client.instances().link(request).await?.into_inner().accepted)
}

pub(super) async fn unlink(client: &Client, unlink: Unlink) -> Outcome {
    let request = pb::InstanceServiceUnlinkRequest {
        instance: unlink.instance,
        request_id: unlink.repeat.request_id,
        expected_revision: unlink.repeat.expected_revision,
        relation: relation(unlink.relation).into(),
        to: unlink.to,
        task: unlink.task,
        reason: unlink.reason,
    };
    Ok(client.instances().unlink(request).await?.into_inner().accepted)
}

pub(super) async fn revive(client: &Client, revive: Revive) -> Outcome {
    let request = pb::InstanceServiceReviveRequest {
        instance: revive.instance,
        request_id: revive.repeat.request_id,
        expected_revision: revive.repeat.expected_revision,
        reason: revive.reason,
        changes: to_struct(&revive.fields),
        steward: revive.steward,
    };
    Ok(client.instances().revive(request).await?.into_inner().accepted)
}

fn relation(relation: Relation) -> pb::Relation {
    match relation {
        Relation::SpawnedFrom => pb::Relation::SpawnedFrom,
        Relation::Blocks => pb::Relation::Blocks,
        Relation::Supports => pb::Relation::Supports,
        Relation::Duplicates => pb::Relation::Duplicates,
        Relation::Continues => pb::Relation::Continues,
        Relation::Supplies => pb::Relation::Supplies,
    }
}

/// An instance that is to begin, as a JSON object.
pub(super) fn parse_begin(text: &str) -> Result<pb::Begin, String> {
    let wanted = "write `{\"workflow\": \"…\", \"fields\": {…}}`";
    let Ok(Json::Object(mut given)) = serde_json::from_str(text) else {
        return Err(wanted.to_owned());
    };
    let fields = match given.remove("fields") {
        None => None,
        Some(Json::Object(fields)) => {
            let field = |(name, value): (String, Json)| {
                let kind = json_kind(value).ok_or(format!("`{name}` has no plain value"))?;
                Ok((name, Value { kind: Some(kind) }))
            };
            let fields = fields.into_iter().map(field).collect::<Result<_, String>>()?;
            Some(Struct { fields })
        }
        Some(_) => return Err(wanted.to_owned()),
    };
    let mut text = |name: &str| match given.remove(name) {
        None => Ok(String::new()),
        Some(Json::String(text)) => Ok(text),
        Some(_) => Err(format!("`{name}` is a text")),
    };
    let (workflow, steward) = (text("workflow")?, text("steward")?);
    let begin = pb::Begin { workflow, fields, steward, instance: text("instance")? };
    match given.keys().next() {
        None => Ok(begin),
        Some(unknown) => Err(format!("`{unknown}` means nothing here; {wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_is_an_object_with_known_names() {
        let begin = parse_begin(r#"{"workflow": "demand", "fields": {"jobs": 4}}"#).unwrap();
        assert_eq!((begin.workflow.as_str(), begin.steward.as_str()), ("demand", ""));
        assert_eq!(begin.fields.unwrap().fields.len(), 1);
        assert!(parse_begin(r#"{"work": "demand"}"#).unwrap_err().contains("`work`"));
        assert!(parse_begin("demand").is_err());
    }
}
