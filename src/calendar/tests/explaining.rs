//! The day walk in words.

use insta::assert_snapshot;

use super::support::{amount, at, cn, date, excluded};
use crate::calendar::render::Language;
use crate::model::clock::{Extension, Limit};

#[test]
fn working_days_over_a_holiday() {
    let walk = cn().explain(Limit::Amount(amount("5wd")), at("2024-09-27 10:00"), &[], &[]);
    assert_snapshot!(walk.text(Language::English), @r"
    5 working days from Fri 2024-09-27 10:00
      Fri 2024-09-27: start day, not counted
      Sat 2024-09-28: weekly rest day
      Sun 2024-09-29: working day 1, a rest day that is worked
      Mon 2024-09-30: working day 2
      Tue 2024-10-01 – Mon 2024-10-07: National Day
      Tue 2024-10-08: working day 3
      Wed 2024-10-09: working day 4
      Thu 2024-10-10: working day 5
      due Thu 2024-10-10 17:30
    ");
    assert_snapshot!(walk.text(Language::Chinese), @r"
    自 2024-09-27 周五 10:00 起 5 个工作日
      2024-09-27 周五：起算日，不计
      2024-09-28 周六：休息日
      2024-09-29 周日：第 1 个工作日，调休上班
      2024-09-30 周一：第 2 个工作日
      2024-10-01 周二 – 2024-10-07 周一：国庆节
      2024-10-08 周二：第 3 个工作日
      2024-10-09 周三：第 4 个工作日
      2024-10-10 周四：第 5 个工作日
      到期：2024-10-10 周四 17:30
    ");
}

#[test]
fn long_stretches_are_folded() {
    let walk = cn().explain(Limit::Amount(amount("45wd")), at("2024-07-01 10:00"), &[], &[]);
    assert_snapshot!(walk.text(Language::English), @r"
    45 working days from Mon 2024-07-01 10:00
      Mon 2024-07-01: start day, not counted
      Tue 2024-07-02 – Mon 2024-09-02: working days 1 to 45; rest days between do not count
      due Mon 2024-09-02 17:30
    ");
    let walk = cn().explain(Limit::Amount(amount("30cd")), at("2027-09-01 10:00"), &[], &[]);
    assert_snapshot!(walk.text(Language::English), @r"
    30 calendar days from Wed 2027-09-01 10:00
      Wed 2027-09-01: start day, not counted
      Thu 2027-09-02 – Fri 2027-10-01: days 1 to 30
      Fri 2027-10-01: no working day: on to the next
      Sat 2027-10-02 – Sun 2027-10-03: weekly rest day
      due Mon 2027-10-04 24:00 (provisional: beyond the published calendar)
    ");
    assert_snapshot!(walk.text(Language::Chinese), @r"
    自 2027-09-01 周三 10:00 起 30 个自然日
      2027-09-01 周三：起算日，不计
      2027-09-02 周四 – 2027-10-01 周五：第 1 至 30 天
      2027-10-01 周五：非工作日，顺延至下一工作日
      2027-10-02 周六 – 2027-10-03 周日：休息日
      到期：2027-10-04 周一 24:00（暂定：超出已公布的日历）
    ");
}

#[test]
fn pauses_and_extensions() {
    let pauses = [excluded(at("2024-09-03 14:00"), at("2024-09-04 10:00"))];
    let by = |by| Extension { by, granted_at: at("2024-09-05 10:00") };
    let extended = [by(Limit::Amount(amount("2wd"))), by(Limit::Date(date("2024-09-15")))];
    let walk =
        cn().explain(Limit::Amount(amount("3wd")), at("2024-09-02 10:00"), &pauses, &extended);
    assert_snapshot!(walk.text(Language::English), @r"
    3 working days from Mon 2024-09-02 10:00
      Mon 2024-09-02: start day, not counted
      Tue 2024-09-03: working day 1
      Wed 2024-09-04: working day 2
      Thu 2024-09-05: working day 3
      paused Tue 2024-09-03 14:00 to Wed 2024-09-04 10:00; in all 4 h 30 min of working time
      Fri 2024-09-06: moved on by the time paused
      Fri 2024-09-06: extended by 2 working days
      Sat 2024-09-07 – Sun 2024-09-08: weekly rest day
      Mon 2024-09-09: working day 1
      Tue 2024-09-10: working day 2
      Tue 2024-09-10: extended until 2024-09-15
      Sun 2024-09-15: no working day: on to the next
      Mon 2024-09-16 – Tue 2024-09-17: Mid-autumn Festival
      due Wed 2024-09-18 17:30
    ");
    assert_snapshot!(walk.text(Language::Chinese), @r"
    自 2024-09-02 周一 10:00 起 3 个工作日
      2024-09-02 周一：起算日，不计
      2024-09-03 周二：第 1 个工作日
      2024-09-04 周三：第 2 个工作日
      2024-09-05 周四：第 3 个工作日
      暂停计时：2024-09-03 周二 14:00 至 2024-09-04 周三 10:00；累计 4 小时 30 分工作时间
      2024-09-06 周五：因暂停计时顺延
      2024-09-06 周五：延期 2 个工作日
      2024-09-07 周六 – 2024-09-08 周日：休息日
      2024-09-09 周一：第 1 个工作日
      2024-09-10 周二：第 2 个工作日
      2024-09-10 周二：延期至 2024-09-15
      2024-09-15 周日：非工作日，顺延至下一工作日
      2024-09-16 周一 – 2024-09-17 周二：中秋节
      到期：2024-09-18 周三 17:30
    ");
    let walk = cn().explain(Limit::Amount(amount("10cd")), at("2024-09-02 10:00"), &pauses, &[]);
    assert_snapshot!(walk.text(Language::English), @r"
    10 calendar days from Mon 2024-09-02 10:00
      Mon 2024-09-02: start day, not counted
      Tue 2024-09-03 – Thu 2024-09-12: days 1 to 10
      paused Tue 2024-09-03 14:00 to Wed 2024-09-04 10:00; in all 1 calendar day
      Fri 2024-09-13: moved on by the time paused
      due Fri 2024-09-13 24:00
    ");
}

#[test]
fn exact_units_and_days() {
    let pauses = [excluded(at("2024-09-02 15:00"), at("2024-09-03 09:30"))];
    let walk = cn().explain(Limit::Amount(amount("8wh")), at("2024-09-02 10:00"), &pauses, &[]);
    assert_snapshot!(walk.text(Language::English), @r"
    8 working hours from Mon 2024-09-02 10:00
      Mon 2024-09-02: 3 h of working time so far
      paused Mon 2024-09-02 15:00 to Tue 2024-09-03 09:30
      Tue 2024-09-03: 8 h of working time so far
      due Tue 2024-09-03 16:30
    ");
    assert_snapshot!(walk.text(Language::Chinese), @r"
    自 2024-09-02 周一 10:00 起 8 个工作小时
      2024-09-02 周一：累计 3 小时工作时间
      暂停计时：2024-09-02 周一 15:00 至 2024-09-03 周二 09:30
      2024-09-03 周二：累计 8 小时工作时间
      到期：2024-09-03 周二 16:30
    ");
    let walk = cn().explain(Limit::Amount(amount("48h")), at("2024-09-06 15:00"), &[], &[]);
    assert_snapshot!(walk.text(Language::English), @r"
    48 hours from Fri 2024-09-06 15:00
      due Sun 2024-09-08 15:00
    ");
    let walk = cn().explain(Limit::Date(date("2024-10-05")), at("2024-09-06 15:00"), &[], &[]);
    assert_snapshot!(walk.text(Language::Chinese), @r"
    自 2024-09-06 周五 15:00 起 至 2024-10-05
      到期：2024-10-05 周六 24:00
    ");
}
