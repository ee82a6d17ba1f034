//! Who acts in a step: as named, or by the custom of the command.

use crate::engine;
use crate::model::actor::Actor;
use crate::model::id::{MemberId, ServiceId};
use crate::model::task::Task;

use super::world::World;

impl World<'_> {
    /// A member, a service, or the first one in a role or group for this instance.
    pub(super) fn actor(&self, name: &str) -> Result<Actor, String> {
        if let Some(member) = self.organization.member(name) {
            return Ok(Actor::Member(member.id.clone()));
        }
        if let Some(service) = self.organization.service(name) {
            let service: ServiceId = service.id.clone();
            return Ok(Actor::Service { service, on_behalf_of: None });
        }
        let members = match &self.instance {
            Some(instance) => engine::members_in(&self.context(), instance, name),
            None => Vec::new(),
        };
        match members.into_iter().next() {
            Some(member) => Ok(Actor::Member(member)),
            None => Err(format!("nobody is `{name}`: no member, no service, no filled role")),
        }
    }

    /// Who acts where the step does not say: the steward.
    pub(super) fn steward(&self) -> Result<Actor, String> {
        let steward = self.instance.as_ref().and_then(|instance| instance.steward.clone());
        match steward {
            Some(steward) => Ok(Actor::Member(steward)),
            None => Err("say `by`: there is no steward".to_owned()),
        }
    }

    /// Who works on a task where the step does not say: its holder, or a candidate.
    pub(super) fn worker(&self, task: &Task) -> Result<Actor, String> {
        self.worker_member(task).map(Actor::Member)
    }

    fn worker_member(&self, task: &Task) -> Result<MemberId, String> {
        if let Some(holder) = &task.holder {
            return Ok(holder.member.clone());
        }
        let Some(instance) = &self.instance else { return Err("there is no instance".to_owned()) };
        let candidates = engine::candidates(&self.context(), instance, task);
        candidates
            .into_iter()
            .next()
            .ok_or_else(|| format!("nobody can do `{}`", task.reference.id))
    }
}
