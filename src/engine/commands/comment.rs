//! Comment: somebody says something about a task or the instance.

use crate::engine::rejection::Rejection;
use crate::engine::scene::Scene;
use crate::model::command::Comment;
use crate::model::event::Payload;

pub(in crate::engine) fn comment(
    scene: &mut Scene<'_>,
    comment: &Comment,
) -> Result<(), Rejection> {
    super::needed_text(&comment.text, "text")?;
    let task = match comment.task {
        Some(number) => Some(scene.task(number)?.clone()),
        None => None,
    };
    match &task {
        Some(task) if scene.as_worker(task, "comment").is_ok() => {}
        Some(_) | None => scene.must_command("comment")?,
    }
    let task = task.map(|task| task.reference);
    scene.emit(Payload::CommentAdded { task, text: comment.text.clone() });
    Ok(())
}
