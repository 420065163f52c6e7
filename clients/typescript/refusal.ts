import type { ServiceError } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import { BadRequest, ErrorInfo, RetryInfo } from "./gen/google/rpc/error_details.js";
import { Status } from "./gen/google/rpc/status.js";

const TYPES = "type.googleapis.com/google.rpc.";

/** Why a call was refused, as the details of its status say (AIP-193). */
export interface Refusal {
  code: string;
  reason: string;
  domain: string;
  /** What is wrong with each field. */
  fields: Record<string, string>;
  /** Seconds to wait before another try; 0 when that isn't said. */
  retry_after: number;
}

/** Reads the refusal out of an error of grpc-js, which leaves the details in the trailers. */
export function refusalOf(error: ServiceError): Refusal {
  const refusal: Refusal = { code: status[error.code], reason: "", domain: "", fields: {}, retry_after: 0 };
  for (const packed of error.metadata?.get("grpc-status-details-bin") ?? []) {
    for (const detail of Status.decode(packed as Buffer).details) {
      switch (detail.typeUrl) {
        case `${TYPES}ErrorInfo`:
          ({ reason: refusal.reason, domain: refusal.domain } = ErrorInfo.decode(detail.value));
          break;
        case `${TYPES}BadRequest`:
          for (const { field, description } of BadRequest.decode(detail.value).fieldViolations) {
            refusal.fields[field] = description;
          }
          break;
        case `${TYPES}RetryInfo`: {
          const delay = RetryInfo.decode(detail.value).retryDelay;
          refusal.retry_after = delay ? Number(delay.seconds) + delay.nanos / 1e9 : 0;
        }
      }
    }
  }
  return refusal;
}
