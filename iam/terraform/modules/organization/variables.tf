variable "role_name" {
  description = "The name of the role, as in organization.role_arn of config.yaml."
  type        = string
  default     = "tag-compliance-org-reader"
}

variable "path" {
  description = "The path of the role; it is part of the ARN in config.yaml."
  type        = string
  default     = "/"
}

variable "principal_arn" {
  description = "The base role, which may assume this one. It must exist."
  type        = string
}

variable "external_id" {
  description = "The external_id of config.yaml; null: none is required."
  type        = string
  default     = null
}

variable "read_owners" {
  description = "Optional: whether config.yaml sets organization.account_owner_tag."
  type        = bool
  default     = false
}

variable "tags" {
  description = "The tags of the role."
  type        = map(string)
  default     = {}
}
