//! Dates as days, moments as milliseconds, both since 1970-01-01 UTC: the proleptic Gregorian
//! calendar from year 1 to 9999.

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::Builtin;
use crate::error::{malformed, value_error, R};
use crate::gas;
use crate::interp::Vm;
use crate::value::Value;

const DAY_MS: i64 = 86_400_000;
/// 0001-01-01 and 9999-12-31, in days.
const FIRST: i64 = -719_162;
const LAST: i64 = 2_932_896;
const YEARS: i64 = 9_999;

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 0001-01-01 to the first of January of a year.
fn days_before(year: i64) -> i64 {
    let past = year - 1;
    past * 365 + past / 4 - past / 100 + past / 400
}

/// The day of a date that exists.
fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let months: i64 = (1..month).map(|month| days_in_month(year, month)).sum();
    FIRST + days_before(year) + months + day - 1
}

/// Year, month and day of a day inside of the calendar.
fn parts_of(day: i64) -> (i64, i64, i64) {
    let days = day - FIRST;
    let mut year = days * 400 / 146_097 + 1;
    while days_before(year) > days {
        year -= 1;
    }
    while days_before(year + 1) <= days {
        year += 1;
    }
    let mut rest = days - days_before(year);
    let mut month = 1;
    while rest >= days_in_month(year, month) {
        rest -= days_in_month(year, month);
        month += 1;
    }
    (year, month, rest + 1)
}

fn shown_date((year, month, day): (i64, i64, i64)) -> String {
    format!("{year:04}-{month:02}-{day:02}")
}

/// The numbers of a text of this form, in which `0` stands for a digit.
fn numbers(text: &str, form: &str) -> Option<Vec<BigInt>> {
    let fits = text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(given, wanted)| {
            given == wanted && wanted != b'0' || wanted == b'0' && given.is_ascii_digit()
        });
    let parts = text.split(|c: char| !c.is_ascii_digit());
    fits.then(|| {
        let read = |part: &str| part.parse::<i64>().ok().map(BigInt::from);
        parts.filter_map(read).collect()
    })
}

fn ints(parts: &[i64]) -> Vec<Value> {
    parts.iter().map(|part| Value::Int(*part)).collect()
}

impl Vm<'_, '_> {
    pub(super) fn dates(&mut self, builtin: Builtin, given: &[Value]) -> R<Value> {
        use Builtin as B;
        self.spend(gas::DATE)?;
        if matches!(
            builtin,
            B::FormatDate | B::FormatDatetime | B::ParseDate | B::ParseDatetime
        ) {
            self.spend(gas::DATE_TEXT)?;
        }
        match builtin {
            B::Date | B::DatetimeParts | B::FormatDatetime => {
                let ms = self.moment(builtin.name(), &given[0])?;
                self.of_moment(builtin, ms)
            }
            B::DateOf | B::DatetimeOf => {
                let names = super::parameters(builtin).ok_or_else(malformed)?;
                let mut parts = Vec::with_capacity(given.len());
                for (name, value) in names.iter().zip(given) {
                    parts.push(self.library_int(builtin.name(), name, value)?);
                }
                self.put_together(&parts)
            }
            B::ParseDate | B::ParseDatetime => {
                let text = self.library_str(builtin.name(), "text", &given[0])?;
                self.parse_iso(builtin, text)
            }
            B::IsLeapYear => {
                let year = self.library_int("is_leap_year", "year", &given[0])?;
                let year = self.part("year", &year, 1, YEARS)?;
                Ok(Value::Bool(is_leap(year)))
            }
            B::DaysBetween => {
                let first = self.day("days_between", "first", &given[0])?;
                let last = self.day("days_between", "last", &given[1])?;
                Ok(Value::Int(last - first))
            }
            _ => {
                let day = self.day(builtin.name(), "day", &given[0])?;
                self.of_day(builtin, day, given)
            }
        }
    }

    fn of_moment(&mut self, builtin: Builtin, ms: i64) -> R<Value> {
        let (day, rest) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
        let (second, millisecond) = (rest / 1_000, rest % 1_000);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        match builtin {
            Builtin::Date => Ok(Value::Int(day)),
            Builtin::DatetimeParts => {
                let (year, month, day) = parts_of(day);
                let parts = [year, month, day, hour, minute, second, millisecond];
                self.new_tuple(ints(&parts))
            }
            _ => {
                let date = shown_date(parts_of(day));
                self.new_str(format!(
                    "{date}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
                ))
            }
        }
    }

    fn of_day(&mut self, builtin: Builtin, day: i64, given: &[Value]) -> R<Value> {
        let (year, month, date) = parts_of(day);
        Ok(Value::Int(match builtin {
            Builtin::StartOfDay => day * DAY_MS,
            Builtin::DateParts => return self.new_tuple(ints(&[year, month, date])),
            Builtin::FormatDate => return self.new_str(shown_date((year, month, date))),
            Builtin::IsoWeekday => (day + 3).rem_euclid(7) + 1,
            Builtin::Quarter => (month + 2) / 3,
            Builtin::EndOfMonth => day_of(year, month, days_in_month(year, month)),
            Builtin::AddMonths => {
                let months = self.library_int("add_months", "months", &given[1])?;
                let count = months.to_i64().and_then(|months| {
                    let count = (year * 12 + month - 1).checked_add(months)?;
                    (12..(YEARS + 1) * 12).contains(&count).then_some(count)
                });
                let Some(count) = count else {
                    return Err(value_error(
                        "add_months() leads outside of the years 1 to 9999",
                    ));
                };
                let (year, month) = (count / 12, count % 12 + 1);
                day_of(year, month, date.min(days_in_month(year, month)))
            }
            _ => return Err(malformed()),
        }))
    }

    /// The day, or the moment, of three or seven parts.
    fn put_together(&mut self, parts: &[BigInt]) -> R<Value> {
        let [year, month, day, clock @ ..] = parts else {
            return Err(malformed());
        };
        let year = self.part("year", year, 1, YEARS)?;
        let month = self.part("month", month, 1, 12)?;
        let day = self.part("day", day, 1, days_in_month(year, month))?;
        let day = day_of(year, month, day);
        let [hour, minute, second, millisecond] = clock else {
            return Ok(Value::Int(day));
        };
        let hour = self.part("hour", hour, 0, 23)?;
        let minute = self.part("minute", minute, 0, 59)?;
        let second = self.part("second", second, 0, 59)?;
        let millisecond = self.part("millisecond", millisecond, 0, 999)?;
        let minutes = (day * 24 + hour) * 60 + minute;
        Ok(Value::Int(minutes * 60_000 + second * 1_000 + millisecond))
    }

    fn parse_iso(&mut self, builtin: Builtin, text: &str) -> R<Value> {
        let found = if builtin == Builtin::ParseDate {
            numbers(text, "0000-00-00")
        } else {
            numbers(text, "0000-00-00T00:00:00.000Z").or_else(|| {
                let mut parts = numbers(text, "0000-00-00T00:00:00Z")?;
                parts.push(BigInt::from(0));
                Some(parts)
            })
        };
        if let Some(parts) = found {
            return self.put_together(&parts);
        }
        let given = self.quoted(text)?;
        Err(value_error(match builtin {
            Builtin::ParseDate => format!("{given} is no date: write it as 2026-03-01"),
            _ => format!("{given} is no moment: write it as 2026-03-01T12:00:00.000Z"),
        }))
    }

    /// A part of a date, inside of its bounds.
    fn part(&mut self, name: &str, value: &BigInt, least: i64, most: i64) -> R<i64> {
        match value.to_i64() {
            Some(found) if (least..=most).contains(&found) => Ok(found),
            _ => {
                let given = self.shown_int(value)?;
                Err(value_error(format!(
                    "{name} is {given}, outside of {least} to {most}"
                )))
            }
        }
    }

    fn day(&mut self, function: &str, name: &str, value: &Value) -> R<i64> {
        self.inside(function, name, value, (FIRST, LAST))
    }

    fn moment(&mut self, function: &str, value: &Value) -> R<i64> {
        let bounds = (FIRST * DAY_MS, (LAST + 1) * DAY_MS - 1);
        self.inside(function, "ms", value, bounds)
    }

    fn inside(
        &mut self,
        function: &str,
        name: &str,
        value: &Value,
        (least, most): (i64, i64),
    ) -> R<i64> {
        let big = self.library_int(function, name, value)?;
        match big.to_i64() {
            Some(found) if (least..=most).contains(&found) => Ok(found),
            _ => {
                let given = self.shown_int(&big)?;
                Err(value_error(format!(
                    "{function}() argument '{name}' is {given}, outside of the years 1 to 9999"
                )))
            }
        }
    }
}
