//! Why a call was refused, as the details of its status say (AIP-193).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Reads the refusal out of a status.
pub fn read(status: &Status) -> Value {
    let details = status.get_error_details();
    let (reason, domain) = details
        .error_info()
        .map(|info| (info.reason.as_str(), info.domain.as_str()))
        .unwrap_or_default();
    let fields: BTreeMap<&str, &str> = details
        .bad_request()
        .map(|bad| bad.field_violations.iter().map(|one| (one.field.as_str(), one.description.as_str())).collect())
        .unwrap_or_default();
    let pause = retry_after(status).unwrap_or_default().as_secs_f64();
    json!({"code": name(status.code()), "reason": reason, "domain": domain, "fields": fields, "retry_after": pause})
}

/// Says how long to wait before another try, if the service says so.
pub fn retry_after(status: &Status) -> Option<Duration> {
    status.get_details_retry_info().and_then(|info| info.retry_delay)
}

/// Names a code as other languages do.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
