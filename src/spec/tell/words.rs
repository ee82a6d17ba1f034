//! The words with which a spec is told: one line for each verb, event, state and refusal, in both
//! languages.
//!
//! `{name}` stands for what the spec says under that name. A part in brackets is left out where
//! the spec says nothing of what it names. Knows no workflow: titles are found elsewhere.

use crate::calendar::render::Language;

/// A name, what is told in English, what is told in Chinese.
pub(super) type Phrase = (&'static str, &'static str, &'static str);

/// The phrase of a name.
pub(super) fn find(
    phrases: &'static [Phrase],
    name: &str,
    language: Language,
) -> Option<&'static str> {
    let (_, english, chinese) = phrases.iter().find(|(known, _, _)| *known == name)?;
    Some(language.pick(english, chinese))
}

/// What a step does, and under which name a single text of it stands.
pub(super) fn short_name(verb: &str) -> &'static str {
    match verb {
        "advance" | "open" => "stage",
        "return" => "to",
        "suspend" | "terminate" | "revive" => "reason",
        "link" | "unlink" => "to",

        "log" => "activity",
        "acknowledge" => "clock",
        "comment" => "text",
        _ => "task",
    }
}

/// Verbs whose actor, where none is named, is whoever holds the task.
pub(super) const BY_HOLDER: &[&str] = &[
    "complete",
    "check",
    "claim",
    "release",
    "request_extension",
    "comment",
    "complete_all",
    "delegate",
    "object",
    "request_supplement",
    "supply",
];

/// What a step does.
pub(super) const VERBS: &[Phrase] = &[
    (
        "create",
        "{who} opens it[ for the steward {steward}][ because of {spawned_from}][: {fields}]",
        "{who}登记[（包保人{steward}）][，源自{spawned_from}][：{fields}]",
    ),
    ("wait", "time passes", "等待"),
    (
        "advance",
        "{who} moves it on[ from “{stage}”][ to “{target}”][, remarking “{comment}”]",
        "{who}推进[“{stage}”环节][，转入“{target}”][，备注“{comment}”]",
    ),
    (
        "return",
        "{who} returns it to “{to}”[, proposed by {proposed_by}][: {reason}]",
        "{who}退回至“{to}”[，提议人{proposed_by}][：{reason}]",
    ),
    ("redo", "{who} has “{task}” done again[: {reason}]", "{who}要求重办“{task}”[：{reason}]"),
    (
        "suspend",
        "{who} suspends it[ until {expected_resume}][: {reason}]",
        "{who}挂起[，预计{expected_resume}恢复][：{reason}]",
    ),
    ("resume", "{who} resumes it", "{who}恢复办理"),
    (
        "terminate",
        "{who} ends it with the reason “{reason}”[, a duplicate of {duplicate_of}][: {comment}]",
        "{who}终止，原因“{reason}”[，与{duplicate_of}重复][：{comment}]",
    ),
    ("open", "{who} opens “{stage}”", "{who}启动“{stage}”"),
    ("update", "{who} enters {fields}", "{who}填报{fields}"),
    (
        "log",
        "{who} logs “{activity}”[ of {occurred_at}][: {fields}][; it begins {starts}]",
        "{who}记录“{activity}”[（发生于{occurred_at}）][：{fields}][；由此发起{starts}]",
    ),
    ("reassign", "{who} gives “{task}” to {to}[: {reason}]", "{who}将“{task}”转交{to}[：{reason}]"),
    (
        "reassign_steward",
        "{who} makes {to} the steward[: {reason}]",
        "{who}变更包保人为{to}[：{reason}]",
    ),
    (
        "set_backups",
        "{who} names the backups {backups}[: {reason}]",
        "{who}明确 AB 岗：{backups}[（{reason}）]",
    ),
    ("claim", "{who} takes “{task}”", "{who}领取“{task}”"),
    ("release", "{who} gives “{task}” back[: {reason}]", "{who}退回“{task}”[：{reason}]"),
    (
        "complete",
        "{who} completes “{task}”[ ({each})][ with “{outcome}”][, writing {form}]\
         [, entering {fields}][, remarking “{comment}”]",
        "{who}办结“{task}”[（{each}）][，结果“{outcome}”][，填写{form}][，填报{fields}]\
         [，备注“{comment}”]",
    ),
    (
        "complete_all",
        "every holder completes every open task[ except {except}][, with {outcomes}]\
         [, writing {forms}][, entering {fields}]",
        "各承办人办结全部事项[（{except}除外）][，其中{outcomes}][，填写{forms}][，填报{fields}]",
    ),
    ("check", "{who} ticks “{item}” of “{task}”", "{who}勾选“{task}”的“{item}”"),
    ("comment", "{who} remarks “{text}”", "{who}备注“{text}”"),
    (
        "request_extension",
        "{who} asks for {by} more[ for “{task}”][ for {clock}][: {reason}]",
        "{who}申请[“{task}”][{clock}]延期{by}[：{reason}]",
    ),
    (
        "grant_extension",
        "{who} grants the extension[ of “{task}”][ of {clock}][: {comment}]",
        "{who}同意[“{task}”][{clock}]延期[：{comment}]",
    ),
    (
        "refuse_extension",
        "{who} refuses the extension[ of “{task}”][ of {clock}][: {comment}]",
        "{who}不同意[“{task}”][{clock}]延期[：{comment}]",
    ),
    (
        "delegate",
        "{who} lets {to} do “{task}”[: {reason}]",
        "{who}委托{to}办理“{task}”[：{reason}]",
    ),
    (
        "object",
        "{who} objects to being given “{task}”[: {reason}]",
        "{who}对承办“{task}”提出异议[：{reason}]",
    ),
    (
        "uphold_objection",
        "{who} upholds the objection to “{task}”[ and gives it to {to}][: {comment}]",
        "{who}采纳对“{task}”的异议[，改交{to}][：{comment}]",
    ),
    (
        "refuse_objection",
        "{who} refuses the objection to “{task}”[: {comment}]",
        "{who}不采纳对“{task}”的异议[：{comment}]",
    ),
    (
        "request_supplement",
        "{who} asks the enterprise for “{what}” for “{task}”",
        "{who}要求企业为“{task}”补正“{what}”",
    ),
    ("supply", "{who} hands in “{what}” for “{task}”", "{who}为“{task}”补交“{what}”"),
    (
        "link",
        "{who} records that it {relation} {other}[ for “{task}”]",
        "{who}登记关联：本件{relation}{other}[（“{task}”）]",
    ),
    (
        "unlink",
        "{who} takes back that it {relation} {other}[: {reason}]",
        "{who}解除关联：本件{relation}{other}[：{reason}]",
    ),
    ("revive", "{who} revives it[: {reason}]", "{who}重启[：{reason}]"),
    (
        "other",
        "[what “{called_by}” began comes back][{instance} ][{relation} it][ (“{task}”)]\
         [, and it ends with “{ends_with}”]",
        "[“{called_by}”发起的事项办结][{instance}][{relation}本件][（“{task}”）]\
         [，结果“{ends_with}”]",
    ),
    (
        "acknowledge",
        "{who} acknowledges {clock}[ with the plan “{recovery_plan}”][, promised for {promised}]\
         [: {comment}]",
        "{who}签收{clock}[，整改计划“{recovery_plan}”][，承诺{promised}完成][：{comment}]",
    ),
];

/// What is refused, in words.
pub(super) const REFUSALS: &[Phrase] = &[
    ("NOT_READY", "not everything is there", "条件未齐备"),
    ("INCOMPLETE_TASK", "the task is not filled in", "事项填写不完整"),
    ("NOT_PERMITTED", "that is for somebody else", "无此权限"),
    ("INSTANCE_SUSPENDED", "it is suspended", "已挂起"),
    ("INSTANCE_CLOSED", "it has ended", "已办结或终止"),
    (
        "ACKNOWLEDGEMENT_INCOMPLETE",
        "the plan or the promised date is missing",
        "缺少整改计划或承诺日期",
    ),
    ("TASK_IS_CALL", "another instance does it", "由发起的事项办理"),
    ("FOUR_EYES", "who did the work does not sign it", "经办人不得审签"),
    ("NOT_A_CANDIDATE", "this person may not do it", "不在可承办人员之列"),
    ("OUTSIDE_TEAM", "this person is not of the team", "非本团队人员"),
    ("STAGE_CANNOT_OPEN", "the stage cannot be opened now", "该环节目前不能启动"),
    ("INVALID_VALUES", "a value is missing or wrong", "填报内容缺失或有误"),
    ("TASK_NOT_DONE", "the task was never done", "事项尚未办结"),
    ("RETURN_NOT_ALLOWED", "it cannot be returned there", "不能退回至该环节"),
    ("EXTENSION_STATE", "an extension has been asked for already", "已有延期申请"),
    ("EXTENSION_TOO_LONG", "that is more than may be given", "超出可延期限"),
    ("TOO_LATE_TO_ASK", "it is too late to ask", "申请已过时限"),
    ("TOO_LATE_TO_OBJECT", "it is too late to object", "异议已过时限"),
    ("OBJECTION_STATE", "an objection is not possible now", "当前不可提出异议"),
    ("SUPPLEMENT_STATE", "nothing is awaited, or something is already", "补正状态不符"),
    ("BLOCKED", "something open blocks it", "存在未结的阻塞事项"),
    ("ALREADY_EXISTS", "there is one already", "已存在"),
    ("INSTANCE_EXISTS", "there is one already", "已存在"),
    ("INSTANCE_NOT_FOUND", "there is no such instance", "没有这一事项"),
    ("STALE_REVISION", "somebody changed it meanwhile", "内容已被他人更新，请重新查看"),
    ("TASK_NOT_FOUND", "no open stage has this task", "进行中的环节没有该事项"),
    ("TASK_CLOSED", "the task is over", "该事项已办结或取消"),
    ("TASK_HELD", "somebody else has the task", "该事项已有承办人"),
    ("STAGE_NOT_OPEN", "the stage is not open", "该环节未在进行"),
    ("MEMBER_NEEDED", "a person must do this", "须由本人操作"),
    ("ABSENCE_OVERLAPS", "the member is away then already", "与已登记的请假重叠"),
    ("ALREADY_REVIVED", "it has been taken up already", "已重启"),
    ("INSTANCE_NOT_CLOSED", "it has not ended", "尚未办结或终止"),
    ("LINK_EXISTS", "the relation is known already", "关联已存在"),
    ("OTHER_NOT_FOUND", "there is no other of this name", "关联的事项不存在"),
    ("TEXT_MISSING", "a text is missing", "缺少说明"),
    ("UNKNOWN_MEMBER", "there is no such member", "没有这一成员"),
    ("MAY_NOT_START", "this activity does not begin that", "该活动不得发起此类事项"),
];

/// What is still missing, by its kind.
pub(super) const MISSING: &[Phrase] = &[
    ("task", "“{task}”", "“{task}”"),
    ("field", "{field}", "{field}"),
    ("form", "{form}", "{form}"),
    ("checklist", "“{item}”", "“{item}”"),
    ("next", "an exit that holds", "可转入的环节"),
];

/// What is expected of the whole.
pub(super) const WHOLE: &[Phrase] = &[
    ("status", "it is {status}", "状态为{status}"),
    ("stage", "it is in “{stage}”", "处于“{stage}”"),
    ("open", "open are {open}", "进行中的环节：{open}"),
    ("skipped", "passed over are {skipped}", "跳过的环节：{skipped}"),
    ("steward", "the steward is {steward}", "包保人为{steward}"),
    ("group", "it belongs to {group}", "归口{group}"),
    ("backups", "the backups are {backups}", "AB 岗为{backups}"),
    ("light", "its light is {light}", "亮灯：{light}"),
];

/// States, lights and other words of the engine.
pub(super) const STATES: &[Phrase] = &[
    ("active", "under way", "办理中"),
    ("suspended", "suspended", "挂起"),
    ("completed", "completed", "办结"),
    ("terminated", "ended", "终止"),
    ("none", "none", "无"),
    ("blue", "blue", "蓝灯"),
    ("yellow", "yellow", "黄灯"),
    ("red", "red", "红灯"),
    ("true", "yes", "是"),
    ("false", "no", "否"),
    ("passed_over", "passed over", "依路径跳过"),
    ("condition", "by its condition", "符合跳过条件"),
    ("never_opened", "never opened", "未启动"),
    ("join_reached", "enough are done", "已达到数量"),
    ("returned", "it was returned", "退回"),
    ("redone", "something before is done again", "前项重办"),
    ("stage_left", "the stage was left", "环节已离开"),
    ("awaited", "awaited", "待补正"),
    ("open", "under way", "办理中"),
    ("done", "done", "已办结"),
    ("cancelled", "cancelled", "已取消"),
    ("lapsed", "lapsed", "补正逾期"),
];

/// How one instance stands to another.
pub(super) const RELATIONS: &[Phrase] = &[
    ("spawned_from", "was begun because of", "源自"),
    ("blocks", "blocks", "阻塞"),
    ("supports", "supports", "支持"),
    ("duplicates", "duplicates", "重复于"),
    ("continues", "continues", "接续"),
    ("supplies", "supplies", "供应"),
];

/// What is expected of other instances.
pub(super) const EFFECTS: &[Phrase] = &[
    (
        "start",
        "it begins an instance of “{start}”[ as {id}][ for the steward {steward}][: {fields}]",
        "发起“{start}”[（编号{id}）][（包保人{steward}）][：{fields}]",
    ),
    (
        "tell",
        "it tells {tell}[ that it {relation} it][ (“{task}”)][, ended with “{ends_with}”]",
        "通知{tell}[：本件{relation}该件][（“{task}”）][，结果“{ends_with}”]",
    ),
];

/// What is expected of a relation.
pub(super) const LINKS: &[Phrase] = &[
    (
        "to",
        "it {relation} {to}[ (“{task}”)][, ended with “{ends_with}”]",
        "本件{relation}{to}[（“{task}”）][，结果“{ends_with}”]",
    ),
    (
        "from",
        "{from} {relation} it[ (“{task}”)][, ended with “{ends_with}”]",
        "{from}{relation}本件[（“{task}”）][，结果“{ends_with}”]",
    ),
];

/// What is expected of a task.
pub(super) const TASK_STATES: &[Phrase] = &[
    ("none", "“{task}” is not asked for", "无“{task}”事项"),
    ("open", "“{task}” is open", "“{task}”待办"),
    ("done", "“{task}” is done", "“{task}”已办结"),
    ("cancelled", "“{task}” is cancelled", "“{task}”已取消"),
];

/// What is expected of an attribute of a task or a clock.
pub(super) const ATTRIBUTES: &[Phrase] = &[
    ("due", "is due {due}", "应于{due}办结"),
    ("due_originally", "was due {due_originally} at first", "原应于{due_originally}办结"),
    ("holder", "is held by {holder}", "由{holder}承办"),
    ("instead_of", "stands in for {instead_of}", "代替{instead_of}"),
    ("outcome", "ended with “{outcome}”", "结果“{outcome}”"),
    ("attempt", "is in its attempt {attempt}", "第{attempt}次办理"),
    ("state", "is {state}", "状态{state}"),
    ("light", "has the light {light}", "亮灯{light}"),
    ("limit", "takes {limit}", "时限{limit}"),
    ("paused", "stands still: {paused}", "暂停计时：{paused}"),
    ("provisional", "is provisional: {provisional}", "暂定：{provisional}"),
    ("epoch", "is in its epoch {epoch}", "第{epoch}轮计时"),
    ("role", "is for {role}", "归{role}"),
    ("delegated_by", "was delegated by {delegated_by}", "受{delegated_by}委托"),
    ("object_until", "may be objected to until {object_until}", "可于{object_until}前提出异议"),
    ("no_objection", "may not be objected to", "不可再提出异议"),
    ("objection", "is objected to by {objection}", "{objection}提出异议"),
    ("supplement", "has a supplement: {supplement}", "材料：{supplement}"),
];

/// What happens.
pub(super) const EVENTS: &[Phrase] = &[
    (
        "escalation.raised",
        "a light climbs[ to {level}][: {owner}][; told: {to}][; {read}]\
         [; to be acknowledged by {acknowledge_by}]",
        "[{owner}]提级督办[，至{level}][，通知{to}][，{read}][，须于{acknowledge_by}前签收]",
    ),
    (
        "escalation.repeated",
        "it is told again[: {owner}][ at {level}][, time {repeat}]",
        "[{owner}]再次提醒[（{level}）][，第{repeat}次]",
    ),
    (
        "escalation.acknowledged",
        "it is acknowledged[ at {level}][ by {member}]",
        "[{level}]已签收[（{member}）]",
    ),
    ("rule.forced", "a rule is overruled[, because: {reason}]", "强制执行[，理由：{reason}]"),
    ("escalation.cleared", "the light[ of {owner}] goes out", "[{owner}]销灯"),
    (
        "escalation.passed_over",
        "a step[ of {owner}][ at {level}] is passed over",
        "[{owner}]跳过一级[{level}]",
    ),
    (
        "escalation.exhausted",
        "the ladder[ of {owner}] has no further step",
        "[{owner}]督办已达最高级",
    ),
    ("clock.at_risk", "a limit is near[: {owner}]", "[{owner}]临近时限"),
    ("clock.breached", "a limit has run out[: {owner}][, {due}]", "[{owner}]超期[（{due}）]"),
    (
        "clock.checked",
        "a check is made[: {owner}][, it says {value}]",
        "[{owner}]已检查[，结果{value}]",
    ),
    ("clock.started", "a limit begins[: {owner}]", "[{owner}]开始计时"),
    ("clock.paused", "limits stand still[: {owner}]", "[{owner}]暂停计时"),
    ("clock.resumed", "limits go on[: {owner}]", "[{owner}]恢复计时"),
    ("clock.stopped", "a limit ends[: {owner}]", "[{owner}]停止计时"),
    ("clock.extended", "a limit is extended[: {owner}]", "[{owner}]时限延长"),
    (
        "clock.recalculated",
        "a limit is computed anew[: {owner}][, {limit}]",
        "[{owner}]时限重新计算[：{limit}]",
    ),
    (
        "extension.requested",
        "an extension is asked for[: {owner}][, {by}]",
        "[{owner}]已申请延期[：{by}]",
    ),
    ("extension.refused", "the extension is refused[: {owner}]", "[{owner}]延期未获同意"),
    (
        "task.delegated",
        "a task is delegated[: “{task}”][, from {from}][, to {member}]",
        "事项委托[：“{task}”][，{from}委托][，{member}受托]",
    ),
    ("objection.raised", "an objection is raised[: “{task}”]", "提出异议[：“{task}”]"),
    ("objection.upheld", "the objection is upheld[: “{task}”]", "异议成立[：“{task}”]"),
    ("objection.refused", "the objection is refused[: “{task}”]", "异议不成立[：“{task}”]"),
    (
        "supplement.requested",
        "a supplement is asked for[: “{task}”][, “{what}”]",
        "要求补正[：“{task}”][，“{what}”]",
    ),
    (
        "supplement.supplied",
        "the supplement is handed in[: “{task}”][, “{what}”]",
        "补正已交[：“{task}”][，“{what}”]",
    ),
    ("supplement.lapsed", "the supplement has lapsed[: “{task}”]", "补正逾期[：“{task}”]"),
    ("instance.revived", "it is revived", "已重启"),
    ("link.added", "a relation is recorded[: {relation}][ {to}]", "登记关联[：{relation}][{to}]"),
    ("link.removed", "a relation is taken back[: {relation}]", "解除关联[：{relation}]"),
    (
        "link.ended",
        "a linked instance has ended[: {relation}][, {ends_with}]",
        "关联事项已结束[：{relation}][，{ends_with}]",
    ),
    ("effect.asked", "another instance is asked[: {target}]", "向其他事项发出请求[：{target}]"),
    ("effect.done", "another instance has done it[: {target}]", "其他事项已完成请求[：{target}]"),
    ("effect.retried", "another instance is asked again[: {target}]", "再次发出请求[：{target}]"),
    ("effect.refused", "another instance refuses[: {target}]", "其他事项拒绝请求[：{target}]"),
    ("backups.set", "the backups are named", "已明确 AB 岗"),
    ("instance.suspended", "it is suspended", "已挂起"),
    ("instance.resumed", "it goes on", "恢复办理"),
    ("instance.terminated", "it is ended[: {reason_code}]", "已终止[：{reason_code}]"),
    ("instance.completed", "it is completed[ with “{outcome}”]", "全部办结[，结果“{outcome}”]"),
    ("path.ended", "the path has ended", "主线环节结束"),
    (
        "stage.entered",
        "a stage begins[: “{stage}”][, attempt {attempt}]",
        "进入环节[“{stage}”][（第{attempt}次）]",
    ),
    ("stage.opened", "a stage opens[: “{stage}”]", "启动环节[“{stage}”]"),
    ("stage.closed", "a stage closes[: “{stage}”]", "结束环节[“{stage}”]"),
    (
        "stage.left",
        "a stage is left[: “{stage}”][, for “{to_stage}”]",
        "离开环节[“{stage}”][，转入“{to_stage}”]",
    ),
    (
        "stage.skipped",
        "a stage is passed over[: “{stage}”][, {because}]",
        "跳过环节[“{stage}”][：{because}]",
    ),
    (
        "stage.returned",
        "it is returned[ from “{from_stage}”][ to “{to_stage}”][, return {returns}]",
        "[从“{from_stage}”]退回[至“{to_stage}”][，第{returns}次退回]",
    ),
    ("steward.assigned", "a steward is chosen[: {member}]", "已确定包保人[：{member}]"),
    ("task.opened", "a task opens[: “{task}”]", "事项开始[：“{task}”]"),
    (
        "task.assigned",
        "a task is given to somebody[: “{task}”][, {member}]",
        "事项已指定承办人[：“{task}”][，{member}]",
    ),
    ("task.completed", "a task is completed[: “{task}”]", "事项办结[：“{task}”]"),
    ("task.redone", "a task is done again[: “{task}”]", "事项重办[：“{task}”]"),
    ("task.released", "a task is given back[: “{task}”]", "事项退回[：“{task}”]"),
    (
        "task.cancelled",
        "a task is cancelled[: “{task}”][ ({each})][, {because}]",
        "事项取消[：“{task}”][（{each}）][，{because}]",
    ),
    ("task.reassigned", "a task changes hands[: “{task}”]", "事项转交[：“{task}”]"),
    ("fields.updated", "fields are entered", "填报更新"),
    ("activity.logged", "the activity is logged", "活动已登记"),
    ("comment.added", "the remark is kept", "备注已保存"),
];
