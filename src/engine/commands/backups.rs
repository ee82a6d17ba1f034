//! Backups: who stands in for the steward where no substitute does, A before B.

use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::command::SetBackups;
use crate::model::event::Payload;
use crate::model::limits;

pub(in crate::engine) fn set_backups(
    scene: &mut Scene<'_>,
    set: &SetBackups,
) -> Result<(), Rejection> {
    scene.must_command("set the backups")?;
    super::short_text(&set.reason, "reason")?;
    for backup in &set.backups {
        super::known_member(scene, backup)?;
    }
    let twice = |at: usize| set.backups[..at].contains(&set.backups[at]);
    let is_steward = set.backups.iter().any(|it| scene.instance.steward.as_ref() == Some(it));
    if is_steward || (0..set.backups.len()).any(twice) || set.backups.len() > limits::BACKUPS_MAX {
        return Err(Rejection::BackupsNotDistinct);
    }
    let (backups, before) = (set.backups.clone(), scene.instance.backups.clone());
    scene.emit(Payload::BackupsSet { backups, before, reason: set.reason.clone() });
    Ok(())
}
