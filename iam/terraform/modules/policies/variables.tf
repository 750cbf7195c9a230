variable "role_arns" {
  description = "The roles that the base role assumes."
  type        = list(string)
  default     = []
}

variable "principal_arn" {
  description = "The role that may assume the member role: the base role, or the hub role in between."
  type        = string
  default     = null
}

variable "external_id" {
  description = "The external ID that the principal must send to assume the member role; null: none."
  type        = string
  default     = null
}

variable "storage" {
  description = "The storage of config.yaml if it is in S3: s3://bucket/prefix; null: a folder."
  type        = string
  default     = null

  validation {
    condition     = var.storage == null ? true : can(regex("^s3://[^/]+", var.storage))
    error_message = "It must be s3://bucket/prefix, or null."
  }
}

variable "partition" {
  description = "The AWS partition of the bucket and the accounts: aws, aws-cn, aws-us-gov."
  type        = string
  default     = "aws"
}

variable "more_sources" {
  description = "Optional: more_sources of config.yaml, any of iam and autoscaling."
  type        = list(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.more_sources, ["iam", "autoscaling"])) == 0
    error_message = "more_sources may contain iam and autoscaling."
  }
}

variable "iam_tags_from" {
  description = "Optional: iam_tags_from of config.yaml, account_details or list_tags."
  type        = string
  default     = "account_details"

  validation {
    condition     = contains(["account_details", "list_tags"], var.iam_tags_from)
    error_message = "It must be account_details or list_tags."
  }
}

variable "never_tagged" {
  description = "Optional: never_tagged of config.yaml, off, report or count; report and count need Resource Explorer."
  type        = string
  default     = "off"

  validation {
    condition     = contains(["off", "report", "count"], var.never_tagged)
    error_message = "It must be off, report or count."
  }
}

variable "read_regions" {
  description = "Optional: whether config.yaml sets organization.regions to enabled."
  type        = bool
  default     = false
}

variable "read_owners" {
  description = "Optional: whether config.yaml sets organization.account_owner_tag."
  type        = bool
  default     = false
}

variable "base_reads_organization" {
  description = "Whether config.yaml has the key organization without organization.role_arn."
  type        = bool
  default     = false
}
