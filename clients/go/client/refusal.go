package main

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// refusal is why a call was refused, as the details of its status say (AIP-193).
type refusal struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
	Domain string `json:"domain"`
	// Fields says what is wrong with each field.
	Fields map[string]string `json:"fields"`
	// RetryAfter is in seconds; 0 when that isn't said.
	RetryAfter float64 `json:"retry_after"`
}

// names are the codes as other languages call them.
var names = map[codes.Code]string{
	codes.Canceled: "CANCELLED", codes.Unknown: "UNKNOWN", codes.InvalidArgument: "INVALID_ARGUMENT",
	codes.DeadlineExceeded: "DEADLINE_EXCEEDED", codes.NotFound: "NOT_FOUND", codes.AlreadyExists: "ALREADY_EXISTS",
	codes.PermissionDenied: "PERMISSION_DENIED", codes.ResourceExhausted: "RESOURCE_EXHAUSTED",
	codes.FailedPrecondition: "FAILED_PRECONDITION", codes.Aborted: "ABORTED", codes.Unimplemented: "UNIMPLEMENTED",
	codes.Internal: "INTERNAL", codes.Unavailable: "UNAVAILABLE", codes.Unauthenticated: "UNAUTHENTICATED",
}

func refusalOf(err error) refusal {
	told := status.Convert(err)
	found := refusal{Code: names[told.Code()], Fields: map[string]string{}}
	for _, detail := range told.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			found.Reason, found.Domain = detail.GetReason(), detail.GetDomain()
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				found.Fields[violation.GetField()] = violation.GetDescription()
			}
		case *errdetails.RetryInfo:
			found.RetryAfter = detail.GetRetryDelay().AsDuration().Seconds()
		}
	}
	return found
}
