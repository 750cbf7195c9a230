variable "role_name" {
  description = "The base role's name."
  type        = string
  default     = "tag-compliance"
}

variable "role_arns" {
  description = "The roles that are assumed, one for each account; `tag-compliance check-config` lists them."
  type        = list(string)

  validation {
    condition     = length(var.role_arns) > 0
    error_message = "At least one role is assumed."
  }
}

variable "storage" {
  description = "The storage of config.yaml where it is in S3: s3://bucket/prefix; null: a folder."
  type        = string
  default     = null
}

variable "oidc_provider_arn" {
  description = "The Kubernetes cluster's OIDC provider, for service accounts; null: none."
  type        = string
  default     = null
}

variable "service_account" {
  description = "The pod's service account as namespace:name; null: it does not run in Kubernetes."
  type        = string
  default     = null
}

variable "exporter_service_account" {
  description = "That of an exporter in pods of its own, as namespace:name; null: there is none."
  type        = string
  default     = null
}

variable "trusted_services" {
  description = "AWS services that run the scanner, such as ecs-tasks.amazonaws.com."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "The roles' own tags."
  type        = map(string)
  default     = {}
}
