variable "role_name" {
  description = "The name of the base role."
  type        = string
  default     = "tag-compliance"
}

variable "role_arns" {
  description = "The roles that the base role assumes, as `tag-compliance iam-policy` prints them: one per account, or one for any account of the organization, and organization.role_arn."
  type        = list(string)

  validation {
    condition     = length(var.role_arns) > 0
    error_message = "role_arns must contain at least one role."
  }
}

variable "reads_organization" {
  description = "Whether config.yaml has the key organization without organization.role_arn: the base role reads the list of accounts."
  type        = bool
  default     = false
}

variable "read_owners" {
  description = "Whether config.yaml sets organization.account_owner_tag; only with reads_organization."
  type        = bool
  default     = false
}

variable "storage" {
  description = "The storage of config.yaml if it is in S3: s3://bucket/prefix; null: a folder."
  type        = string
  default     = null
}

variable "oidc_provider_arn" {
  description = "The Kubernetes cluster's OIDC provider, for service accounts; null: none."
  type        = string
  default     = null
}

variable "service_account" {
  description = "The service account of the pod as namespace:name; null: the scanner does not run in Kubernetes."
  type        = string
  default     = null
}

variable "exporter_service_account" {
  description = "The service account of a separate exporter as namespace:name; null: there is none."
  type        = string
  default     = null
}

variable "trusted_services" {
  description = "AWS services that run the scanner, such as ecs-tasks.amazonaws.com."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "The tags of the roles."
  type        = map(string)
  default     = {}
}
