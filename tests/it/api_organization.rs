//! `OrganizationService` over a real socket: the roster holds at once and after a restart, who may
//! change it, what members carry, and how it goes to others.
#![expect(clippy::unwrap_used, reason = "a test ends where something does not work")]

use std::path::Path;

use sanbang::api::pb;

use super::api_fixture::{
    Server, by, comment, fields, refusal, sources, text, told, with_doris_outside,
};

fn absence(member: &str, from: &str, to: &str, substitute: &str) -> pb::Absence {
    pb::Absence {
        member: member.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        substitute: substitute.to_owned(),
        reason: "leave".to_owned(),
    }
}

fn put(absence: pb::Absence) -> pb::OrganizationServicePutAbsenceRequest {
    pb::OrganizationServicePutAbsenceRequest { absence: Some(absence) }
}

async fn holder_of(server: &Server, instance: &str) -> String {
    server.create(instance, "Even Ground").await;
    let instance = server.get(instance).await;
    let holder = instance.tasks[0].holder.clone().unwrap_or_default();
    format!("{} for `{}`", holder.member, holder.instead_of)
}

async fn absences(server: &Server) -> Vec<String> {
    let request = pb::OrganizationServiceListAbsencesRequest::default();
    let listed = server.organization().list_absences(by("anna", request)).await.unwrap();
    let row = |it: &pb::Absence| format!("{} {} {} {}", it.member, it.from, it.to, it.substitute);
    listed.into_inner().absences.iter().map(row).collect()
}

async fn changes(server: &Server) -> Vec<String> {
    let request = pb::EventServiceListRequest {
        filter: "kind = \"organization.changed\"".to_owned(),
        ..Default::default()
    };
    let events = server.events().list(by("bert", request)).await.unwrap().into_inner().events;
    let mut all = Vec::new();
    for event in events {
        let actor = event.actor.unwrap_or_default().member;
        let Some(pb::event::Payload::OrganizationChanged(changed)) = event.payload else {
            panic!("it asked for one kind only");
        };
        all.extend(changed.changes.iter().map(|it| {
            let others = it.others.join("+");
            format!("{actor}: {:?} {} {others} {} {}", it.what(), it.member, it.from, it.to)
        }));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absence_holds_at_once_and_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    assert_eq!(holder_of(&server, "p-1").await, "anna for ``");

    let away = put(absence("anna", "2025-01-06", "2025-01-10", "bert"));
    let answer = server.organization().put_absence(by("anna", away.clone())).await.unwrap();
    assert!(answer.into_inner().changed);
    assert_eq!(holder_of(&server, "p-2").await, "bert for `anna`");
    let again = server.organization().put_absence(by("chief", away)).await.unwrap();
    assert!(!again.into_inner().changed, "it stood so already");
    server.stop().await;

    let server = Server::start(directory.path()).await;
    assert_eq!(absences(&server).await, ["anna 2025-01-06 2025-01-10 bert"]);
    assert_eq!(holder_of(&server, "p-3").await, "bert for `anna`");
    let back = pb::OrganizationServiceEndAbsenceRequest {
        member: "anna".to_owned(),
        from: String::new(),
        back_on: "2025-01-06".to_owned(),
    };
    let answer = server.organization().end_absence(by("chief", back)).await.unwrap();
    assert!(!answer.into_inner().member.unwrap().away);
    assert_eq!(absences(&server).await, Vec::<String>::new(), "it was taken back");
    assert_eq!(holder_of(&server, "p-4").await, "anna for ``");
    assert_eq!(
        changes(&server).await,
        [
            "anna: AbsencePut anna bert 2025-01-06 2025-01-10",
            "chief: AbsenceEnded anna bert 2025-01-06 2025-01-10",
        ],
        "what changed and by whom, beside the file that was taken at first"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roster_is_changed_by_those_whom_it_concerns_and_those_above() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    let mut organization = server.organization();
    let away = || put(absence("anna", "2025-02-03", "2025-02-07", ""));
    let refused = organization.put_absence(by("bert", away())).await;
    assert_eq!(refusal(refused), "PermissionDenied NOT_PERMITTED");
    organization.put_absence(by("chief", away())).await.unwrap();
    let overlapping = put(absence("anna", "2025-02-07", "2025-02-10", ""));
    let refused = organization.put_absence(by("anna", overlapping)).await;
    assert_eq!(refusal(refused), "FailedPrecondition ABSENCE_OVERLAPS");
    let unknown = put(absence("anna", "2025-03-03", "2025-03-04", "nobody"));
    let refused = organization.put_absence(by("anna", unknown)).await;
    assert_eq!(refusal(refused), "InvalidArgument UNKNOWN_MEMBER");
    let nothing = pb::OrganizationServiceEndAbsenceRequest {
        member: "bert".to_owned(),
        from: String::new(),
        back_on: "2025-02-05".to_owned(),
    };
    let refused = organization.end_absence(by("bert", nothing)).await;
    assert_eq!(refusal(refused), "FailedPrecondition ABSENCE_NOT_FOUND");
    let malformed = put(absence("anna", "2025-02-09", "2025-02-07", "anna"));
    insta::assert_snapshot!(told(organization.put_absence(by("anna", malformed)).await), @"
    InvalidArgument INVALID_REQUEST: 2 fields of the request are wrong
      absence.to: it lies before the first day
      absence.substitute: nobody stands in for themselves
    ");
    let duty = |members: &[&str]| pb::OrganizationServicePutDutyRequest {
        duty: Some(pb::Duty {
            from: "2025-01-06".to_owned(),
            to: "2025-01-07".to_owned(),
            members: members.iter().map(ToString::to_string).collect(),
            note: "Spring Festival".to_owned(),
        }),
    };
    let members = |page_token: &str| pb::OrganizationServiceListMembersRequest {
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    let second = organization.list_members(by("bert", members("anna"))).await.unwrap();
    assert!(second.into_inner().members.iter().all(|member| member.id != "anna"));
    let foreign = organization.list_members(by("bert", members("nobody"))).await;
    assert_eq!(refusal(foreign), "InvalidArgument INVALID_REQUEST");
    organization.put_duty(by("bert", duty(&["bert", "chief"]))).await.unwrap();
    let roles = pb::OrganizationServiceListRolesRequest {};
    let roles = organization.list_roles(by("anna", roles)).await.unwrap().into_inner().roles;
    let on_duty = roles.into_iter().find(|role| role.id == "on_duty").unwrap();
    assert_eq!(on_duty.members, ["bert", "chief"]);
    server.stop().await;
}

fn hand_over(request_id: &str, from: &str, to: &str) -> pb::OrganizationServiceHandOverRequest {
    pb::OrganizationServiceHandOverRequest {
        request_id: request_id.to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        reason: "called back".to_owned(),
    }
}

async fn handed_over(
    server: &Server,
    actor: &str,
    request: pb::OrganizationServiceHandOverRequest,
) -> pb::HandOver {
    let mut stream =
        server.organization().hand_over(by(actor, request)).await.unwrap().into_inner();
    let mut last = None;
    while let Some(message) = stream.message().await.unwrap() {
        last = message.hand_over;
    }
    last.unwrap()
}

fn checklist(hand_over: &pb::HandOver) -> Vec<String> {
    let row = |it: &pb::HandOverItem| {
        let place = format!("{:?} {}/{} {}", it.charge(), it.instance, it.task, it.name);
        format!("{place}: {:?} {}{}", it.state(), it.handed_to, it.code)
    };
    hand_over.checklist.iter().map(row).collect()
}

/// Three permits of Anna's, one of Bert's in which she is a backup.
async fn portfolio(server: &Server) {
    for instance in ["p-1", "p-2", "p-3"] {
        server.create(instance, "Even Ground").await;
    }
    server.create("p-4", "Even Ground").await;
    for (instance, task) in [("p-4", 0), ("p-4", 1)] {
        let request = pb::InstanceServiceReassignRequest {
            instance: instance.to_owned(),
            task,
            to: "bert".to_owned(),
            reason: "his".to_owned(),
            ..Default::default()
        };
        server.instances().reassign(by("chief", request)).await.unwrap();
    }
    let backups = pb::InstanceServiceSetBackupsRequest {
        instance: "p-4".to_owned(),
        backups: vec!["anna".to_owned(), "chief".to_owned()],
        ..Default::default()
    };
    server.instances().set_backups(by("bert", backups)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portfolio_goes_to_another_with_both_names_and_a_checklist() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    portfolio(&server).await;
    let away = put(absence("bert", "2025-01-20", "2025-01-21", "anna"));
    server.organization().put_absence(by("bert", away)).await.unwrap();
    let to_bert = hand_over("h-1", "anna", "bert");
    let ended = handed_over(&server, "chief", to_bert.clone()).await;
    insta::assert_snapshot!(checklist(&ended).join("\n"), @"
    Stewardship p-1/0 : HandedOver bert
    Stewardship p-2/0 : HandedOver bert
    Stewardship p-3/0 : HandedOver bert
    Backup p-4/0 : Gone 
    Task p-1/1 papers: HandedOver bert
    Task p-2/1 papers: HandedOver bert
    Task p-3/1 papers: HandedOver bert
    Substitute /0 bert from 2025-01-20 to 2025-01-21: Left BY_HAND
    ");
    let stewards = pb::OrganizationServiceListStewardsRequest { instance: "p-1".to_owned() };
    let stewards = server.organization().list_stewards(by("anna", stewards)).await.unwrap();
    let stewards = stewards.into_inner().stewards;
    let told: Vec<String> =
        stewards.iter().map(|it| format!("{} because {}", it.steward, it.reason)).collect();
    assert_eq!(told, ["bert because called back", "anna because "]);
    assert_eq!(server.get("p-4").await.backups, ["chief"]);

    let again = handed_over(&server, "chief", to_bert).await;
    assert_eq!(again, ended, "the same request finds it again");
    let other = server.organization().hand_over(by("chief", hand_over("h-1", "bert", ""))).await;
    assert_eq!(refusal(other), "InvalidArgument REQUEST_ID_REUSED");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rules_refuse_is_left_and_why() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    portfolio(&server).await;
    // The chief is the other backup already. Bert keeps the roster, but is not above the steward:
    // stewardships are not his to give.
    let ended = handed_over(&server, "bert", hand_over("h-1", "anna", "chief")).await;
    insta::assert_snapshot!(checklist(&ended).join("\n"), @"
    Stewardship p-1/0 : Left NOT_PERMITTED
    Stewardship p-2/0 : Left NOT_PERMITTED
    Stewardship p-3/0 : Left NOT_PERMITTED
    Backup p-4/0 : HandedOver chief
    Task p-1/1 papers: Left NOT_PERMITTED
    Task p-2/1 papers: Left NOT_PERMITTED
    Task p-3/1 papers: Left NOT_PERMITTED
    ");
    // By the rules: no rule names a steward, so it is the role above; for a task the candidates.
    let ended = handed_over(&server, "chief", hand_over("h-2", "anna", "")).await;
    insta::assert_snapshot!(checklist(&ended).join("\n"), @"
    Stewardship p-1/0 : HandedOver chief
    Stewardship p-2/0 : HandedOver chief
    Stewardship p-3/0 : HandedOver chief
    Task p-1/1 papers: HandedOver bert
    Task p-2/1 papers: HandedOver bert
    Task p-3/1 papers: HandedOver bert
    ");
    let request = pb::OrganizationServiceListHandOversRequest::default();
    let listed = server.organization().list_hand_overs(by("anna", request)).await.unwrap();
    let listed = listed.into_inner().hand_overs;
    let came: Vec<_> = listed.iter().map(|it| (it.handed_over, it.left, it.waiting)).collect();
    assert_eq!(came.len(), 2);
    assert!(came.contains(&(6, 0, 0)) && came.contains(&(1, 6, 0)), "{came:?}");
    assert!(listed.iter().all(|it| it.checklist.is_empty()), "nobody asked for it");
    let page = |size: i32, token: &str, member: &str| {
        let request = pb::OrganizationServiceListHandOversRequest {
            page_size: size,
            page_token: token.to_owned(),
            member: member.to_owned(),
            ..Default::default()
        };
        let mut organization = server.organization();
        async move { organization.list_hand_overs(by("anna", request)).await }
    };
    let first = page(1, "", "").await.unwrap().into_inner();
    assert_eq!((&first.hand_overs[..], first.next_page_token.is_empty()), (&listed[..1], false));
    let last = page(1, &first.next_page_token, "").await.unwrap().into_inner();
    assert_eq!((&last.hand_overs[..], last.next_page_token.as_str()), (&listed[1..], ""));
    let to_chief = page(1, "", "chief").await.unwrap().into_inner();
    assert_eq!((to_chief.hand_overs[0].left, to_chief.next_page_token.as_str()), (6, ""));
    assert_eq!(page(1, "", "bert").await.unwrap().into_inner().hand_overs, []);
    assert!(told(page(1, "elsewhere", "").await).contains("page_token: it is not a token"));
    let nobody = server.organization().hand_over(by("portal", hand_over("h-3", "anna", ""))).await;
    assert_eq!(refusal(nobody), "PermissionDenied MEMBER_NEEDED");
    server.stop().await;
}

/// The rules name the only other who may do it: the one who does it already has it alone.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_delegated_goes_to_whom_the_rules_name() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    assert_eq!(holder_of(&server, "p-1").await, "anna for ``");
    let request = pb::TaskServiceDelegateRequest {
        instance: "p-1".to_owned(),
        task: 1,
        to: "bert".to_owned(),
        reason: "away".to_owned(),
        ..Default::default()
    };
    server.tasks().delegate(by("anna", request)).await.unwrap();
    let ended = handed_over(&server, "chief", hand_over("h-1", "anna", "")).await;
    insta::assert_snapshot!(checklist(&ended).join("\n"), @"
    Stewardship p-1/0 : HandedOver chief
    Task p-1/1 papers: HandedOver bert
    ");
    let holder = server.get("p-1").await.tasks[0].holder.clone().unwrap();
    assert_eq!((holder.member.as_str(), holder.delegated_by.as_str()), ("bert", ""));
    server.stop().await;
}

/// Who is told of a limit, and in place of which role.
async fn heard(server: &Server, instance: &str) -> Vec<String> {
    let instance = instance.to_owned();
    let request =
        pb::InstanceServiceHistoryRequest { instance, page_size: 1000, ..Default::default() };
    let history = server.instances().history(by("bert", request)).await.unwrap().into_inner();
    let raised = history.events.into_iter().filter_map(|event| match event.payload {
        Some(pb::event::Payload::EscalationRaised(raised)) => Some(raised.recipients),
        _ => None,
    });
    let told = raised.flatten().map(|it| format!("{} for {}", it.member, it.fallback_from));
    told.collect()
}

/// The file is edited while somebody who is no longer in it holds tasks: whoever is above hears of
/// the limits, the one who is gone can do nothing more, and all of it goes to another.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_carries_who_is_gone_from_the_file_is_neither_silent_nor_lost() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    server.create("p-1", "Even Ground").await;
    assert_eq!(holder_of(&server, "p-2").await, "anna for ``");
    server.stop().await;
    let mut files = sources();
    let organization = &files.files["rules/organization.yaml"];
    let without =
        organization.replace("  anna: { title: { en: Anna, zh: 安娜 }, group: office }\n", "");
    assert_ne!(**organization, *without);
    files.files.insert("rules/organization.yaml".into(), without.into());
    let server = Server::start_with(directory.path(), files).await;
    assert!(changes(&server).await.iter().any(|it| it.contains("MemberLeft anna")));
    let said = server.tasks().comment(by("anna", comment("p-1", "", "still here"))).await;
    assert!(refusal(said).starts_with("Unauthenticated"));
    server.advance_clock(48).await;
    assert_eq!(heard(&server, "p-1").await, ["chief for steward"]);
    let ended = handed_over(&server, "chief", hand_over("h-1", "anna", "bert")).await;
    assert_eq!((ended.handed_over, ended.left, ended.waiting), (4, 0, 0), "{ended:?}");
    server.stop().await;
}

async fn workload(server: &Server) -> Vec<String> {
    let request = pb::OrganizationServiceWorkloadRequest::default();
    let rows = server.organization().workload(by("anna", request)).await.unwrap().into_inner();
    let row = |it: &pb::MemberWorkload| {
        format!(
            "{}: steward {} ({} red, {} yellow), backup {}, tasks {} ({} over, {} soon){}",
            it.member,
            it.stewarded,
            it.red,
            it.yellow,
            it.backup_of,
            it.open_tasks,
            it.overdue_tasks,
            it.due_soon_tasks,
            if it.away { format!(", away until {}", it.away_until) } else { String::new() }
        )
    };
    rows.members.iter().map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_know_how_much_each_has_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path()).await;
    portfolio(&server).await;
    let away = put(absence("chief", "2025-01-06", "2025-01-31", ""));
    server.organization().put_absence(by("chief", away)).await.unwrap();
    insta::assert_snapshot!(workload(&server).await.join("\n"), @"
    anna: steward 3 (0 red, 0 yellow), backup 1, tasks 3 (0 over, 3 soon)
    bert: steward 1 (0 red, 0 yellow), backup 0, tasks 1 (0 over, 1 soon)
    chief: steward 0 (0 red, 0 yellow), backup 1, tasks 0 (0 over, 0 soon), away until 2025-01-31
    ");
    server.advance_clock(24 * 7).await;
    insta::assert_snapshot!(workload(&server).await.join("\n"), @"
    anna: steward 3 (3 red, 0 yellow), backup 1, tasks 3 (3 over, 0 soon)
    bert: steward 1 (1 red, 0 yellow), backup 0, tasks 1 (1 over, 0 soon)
    chief: steward 0 (0 red, 0 yellow), backup 1, tasks 0 (0 over, 0 soon), away until 2025-01-31
    ");
    server.stop().await;
    after_a_restart(directory.path()).await;
}

async fn after_a_restart(directory: &Path) {
    let server = Server::start(directory).await;
    server.advance_clock(24 * 7 + 1).await;
    let rows = workload(&server).await;
    assert!(rows[0].contains("3 red") && rows[0].contains("3 over"), "{rows:?}");
    server.stop().await;
}

/// Who belongs to another body is no steward: those who lead the team's groups would have no say.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_outside_the_team_is_named_steward() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with(directory.path(), with_doris_outside(sources())).await;
    server.create("p-1", "Even Ground").await;
    let create = pb::InstanceServiceCreateRequest {
        instance: "p-2".to_owned(),
        workflow: "permit".to_owned(),
        fields: Some(fields(&[("applicant", text("Even Ground"))])),
        steward: "doris".to_owned(),
        ..Default::default()
    };
    insta::assert_snapshot!(told(server.instances().create(by("anna", create)).await), @r"
    FailedPrecondition OUTSIDE_TEAM: `doris` belongs to a group outside the team and can be no steward
      p-2: `doris` belongs to a group outside the team and can be no steward
    ");
    let to = |member: &str| pb::InstanceServiceReassignRequest {
        instance: "p-1".to_owned(),
        to: member.to_owned(),
        reason: "she knows the applicant".to_owned(),
        ..Default::default()
    };
    let refused = server.instances().reassign(by("chief", to("doris"))).await;
    assert_eq!(refusal(refused), "FailedPrecondition OUTSIDE_TEAM");
    server.instances().reassign(by("chief", to("bert"))).await.unwrap();
    assert_eq!(server.get("p-1").await.steward, "bert");
    server.stop().await;
}
